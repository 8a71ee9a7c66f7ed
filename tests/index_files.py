"""Small files of index values in the shapes that statistics offices give them, made up for the tests."""

from __future__ import annotations

import json
from typing import Any

CSV = b"""table,series,base_year,month,value
03013,TOTAL,2015,2023-09,131.6
03013,TOTAL,2015,2024-08,135.9
03013,TOTAL,2015,2024-09,136.4
03013,TOTAL,2015,2025-09,139.9
"""
CSV_2025 = b"""table,base_year,month,value
03013,2025,2025-09,100.3
03013,2025,2026-09,102.9
"""


def json_stat(**changes: Any) -> dict[str, Any]:
    """Two groups of goods, three months, the index and its twelve-month change, as SSB's table 03013 is shaped."""
    months = ["2023M09", "2024M08", "2024M09"]
    return {
        "version": "2.0",
        "class": "dataset",
        "label": "Konsumprisindeks, etter konsumgruppe, statistikkvariabel og måned",
        "source": "Statistisk sentralbyrå",
        "updated": "2024-10-10T06:00:00Z",
        "id": ["Konsumgrp", "ContentsCode", "Tid"],
        "size": [2, 2, 3],
        "dimension": {
            "Konsumgrp": {
                "label": "konsumgruppe",
                "category": {"index": {"TOTAL": 0, "01": 1}, "label": {"TOTAL": "Totalindeks", "01": "Matvarer"}},
            },
            "ContentsCode": {
                "label": "statistikkvariabel",
                "category": {
                    "index": {"KpiIndMnd": 0, "Tolvmanedersendring": 1},
                    "label": {"KpiIndMnd": "Konsumprisindeks (2015=100)", "Tolvmanedersendring": "12-måneders endring"},
                    "unit": {
                        "KpiIndMnd": {"base": "indeks", "decimals": 1},
                        "Tolvmanedersendring": {"base": "prosent", "decimals": 1},
                    },
                },
            },
            "Tid": {
                "label": "måned",
                "category": {
                    "index": {code: number for number, code in enumerate(months)},
                    "label": {code: code for code in months},
                },
            },
        },
        "role": {"time": ["Tid"], "metric": ["ContentsCode"]},
        "value": [131.6, 135.9, 136, 3.3, 2.6, 3.0, 128.0, None, 133.5, 8.0, 5.1, 4.3],
        "extension": {"px": {"tableid": "03013", "infofile": "None"}},
        **changes,
    }


def as_file(document: dict[str, Any]) -> bytes:
    """Write a document as a file."""
    return json.dumps(document, ensure_ascii=False).encode()
