"""Bytes to values and back: XLSForms, XForms, instances, OpenRosa's replies, the commune's lists."""
