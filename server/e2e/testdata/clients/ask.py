"""Asks with Debian's python3-whois. It runs the program whois, which the caller
puts in the PATH as one that asks the server under test. Prints a JSON object a
name: what the library makes of the answer."""

import json
import sys

import whois

for name in sys.argv[1:]:
    tld = name.rsplit(".", 1)[-1]
    whois.TLD_RE.setdefault(tld, whois.TLD_RE["com"])  # its list has no .coop
    try:
        record = whois.query(name, force=1)
    except Exception as fault:  # how the library says that it could not tell
        print(json.dumps({"read": "error", "why": str(fault).strip()[:60]}))
        continue
    if record is None:
        print(json.dumps({"read": "nothing"}))
        continue
    print(json.dumps({
        "read": "registered",
        "registrar": record.registrar,
        "created": record.creation_date.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "nameservers": sorted(record.name_servers),
    }))
