"""EHF documents, pure but for the XML parser: read them, hold them to the rules, write them."""
