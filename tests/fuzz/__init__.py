"""Pages and forms under values that nobody means: no request may end in an error of ours."""
