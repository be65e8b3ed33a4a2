"""Follows settlements over HTTP, with nothing but Python; URL, CLIENT and SECRET say whose."""

import json, os, time
from urllib.request import Request, urlopen


def call(path, body=None, **headers):
    headers["Content-Type"] = "application/json"
    data = json.dumps(body).encode() if body else None
    return json.load(urlopen(Request(os.environ["URL"] + path, data, headers), timeout=30))


me = {"client_id": os.environ["CLIENT"], "client_secret": os.environ["SECRET"]}
after = "0"  # keep it in the transaction of what you do with the events
while True:
    token = call("/settlement/v1/token", me)["access_token"]
    feed = f"/settlement/v1/events?topic=maternity.settlement.claim.v1&limit=1000&after={after}"
    told = call(feed, Authorization=f"Bearer {token}")
    for event in told:
        print(event["id"], event["type"], event["sequence"], event["data"]["claim_id"], flush=True)
        after = event["position"]
    if len(told) < 1000:  # there is no more for now
        time.sleep(1)
