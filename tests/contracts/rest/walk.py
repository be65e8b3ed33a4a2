"""One birth, from the employer's registration to the deduction, by every call that there is."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from services.settlement.actions.keep_catalogue import propose_import
from services.settlement.actions.scene import Scene
from services.settlement.domain.catalogue import ItemKind, Listing
from shared.plumbing.auth import add_client
from shared.plumbing.database import AGENCY, open_pool, transaction
from tests.contracts.rest.calls import Recorder
from tests.support.agency import SERVICES, Agency, made, until
from tests.support.late_document import LATE_AT_ONCE, book_with, make_current
from tests.support.reviewing import raised_on
from tests.support.running import Client

POOL, COUNTY = "320100", "320102"
HIGH, LOW = "H32010000001", "H32010000002"
CATALOGUE: list[dict[str, Any]] = [
    {"item_code": "bed-day", "name": "床位费", "item_class": "a", "limit": "60.00"},
    {"item_code": "cesarean-section", "name": "剖宫产术", "item_class": "b",
     "first_copay_rate": "0.1", "delivery_mode": "cesarean"},
    {"item_code": "ward-single", "name": "单人病房加收", "item_class": "c"},
]  # fmt: skip
LINES = [
    {"line_number": 1, "item_code": "cesarean-section", "quantity": "1", "price": "9000.00"},
    {"line_number": 2, "item_code": "bed-day", "quantity": "4", "price": "80.00"},
    {"line_number": 3, "item_code": "ward-single", "quantity": "1", "price": "300.00"},
]
TOTAL = "9620.00"


class Walker:
    """A caller whose calls are kept."""

    def __init__(self, recorder: Recorder, client: Client) -> None:
        self.recorder = recorder
        self.client = client

    async def post(self, path: str, body: Any = None, name: str = "usual") -> Any:
        """POST under the service's prefix."""
        return await self.recorder.call(
            self.client.http,
            "POST",
            f"/{self.client.service}/v1{path}",
            token=self.client.token,
            body=body,
            name=name,
        )

    async def get(self, path: str, name: str = "usual", **query: Any) -> Any:
        """GET under the service's prefix."""
        return await self.recorder.call(
            self.client.http,
            "GET",
            f"/{self.client.service}/v1{path}",
            token=self.client.token,
            name=name,
            **query,
        )


async def walk(whole: Agency, recorder: Recorder) -> None:
    """Make every call of the three services once; each keeps its request and answer."""
    for service in SERVICES:
        await _before_a_token(whole, recorder, service)
    mother = await _enrolled(whole, recorder)
    await open_for_business(whole, recorder)
    await heard_of(whole, mother)
    claims = await _born(whole, recorder, mother)
    await _reviewed(whole, recorder, claims["second"])
    await _reconsidered(whole, recorder)
    await _looked_back(whole, recorder, claims)
    await _catalogued(whole, recorder)
    await _his_introduced(whole, recorder)
    await _registered_by_mistake(whole, recorder, mother)
    operators = {
        service: Walker(recorder, await whole.caller(service, "operator", "operator", ""))
        for service in SERVICES
    }
    for service, operator in operators.items():
        topic = {
            "enrollment": "maternity.enrollment.person-state.v1",
            "settlement": "maternity.settlement.claim.v1",
            "audit": "maternity.audit.flag.v1",
        }[service]
        await operator.get("/events", topic=topic, after=0, limit=1)
    await _misspelt(whole, recorder, mother)
    for operator in operators.values():
        await operator.get("/events", name="without-a-topic")


async def _misspelt(whole: Agency, recorder: Recorder, mother: str) -> None:
    """The last: what comes after it would be frozen under other numbers."""
    hospital = await whole.caller("settlement", "hospital-a", "hospital", POOL, HIGH)
    admission = {"stay_number": "ZY-2024-0311", "person_ref": mother, "admited_on": "2024-03-11"}
    await Walker(recorder, hospital).post("/stays", admission, name="misspelt")


async def _before_a_token(whole: Agency, recorder: Recorder, service: str) -> None:
    http = whole.services[service].http
    for place in ("livez", "readyz", "metrics"):
        await recorder.call(http, "GET", f"/{service}/{place}")
    client_id, role, institution = {
        "enrollment": ("clerk-320100-a", "clerk", ""),
        "settlement": ("hospital-320100-a", "hospital", HIGH),
        "audit": ("reviewer-320100-a", "reviewer", ""),
    }[service]
    secret = await credential(whole, service, client_id, role, institution)
    body = {"client_id": client_id, "client_secret": secret}
    await recorder.call(http, "POST", f"/{service}/v1/token", body=body)
    wrong = {"client_id": client_id, "client_secret": "another"}
    await recorder.call(http, "POST", f"/{service}/v1/token", body=wrong, name="refused")


async def credential(
    whole: Agency, service: str, client_id: str, role: str, institution: str
) -> str:
    """The secret of a new client."""
    owner = await open_pool(whole.databases[service]["owner"], size=1)
    try:
        return await add_client(
            owner, client_id=client_id, role=role, pool_code=POOL,
            institution_code=institution, at=whole.clock.now(),
        )  # fmt: skip
    finally:
        await owner.close()


async def _enrolled(whole: Agency, recorder: Recorder) -> str:
    clerk = Walker(recorder, await whole.caller("enrollment", "clerk", "clerk", POOL))
    await clerk.post(
        "/employers",
        {"employer_ref": "E-9001", "name": "示例单位", "pool": POOL, "county_code": COUNTY,
         "kind": "enterprise"},
    )  # fmt: skip
    employee = {"id_number": "320102199003159003", "name": "例某", "county_code": COUNTY,
                "kind": "employee", "employer_ref": "E-9001", "start": "2023-01-01"}  # fmt: skip
    person: str = (await clerk.post("/persons", employee))["person_ref"]
    await clerk.post("/persons", employee, name="registered-already")
    flexible = {"id_number": "32010219900315902X", "name": "例乙", "county_code": COUNTY,
                "kind": "flexible", "start": "2023-06-01"}  # fmt: skip
    (listed,) = (await clerk.post("/imports", {"items": [flexible]}))["items"]
    months = [f"{2023 + n // 12}-{n % 12 + 1:02d}" for n in range(15)]
    items = [{"person_ref": person, "month": month, "base": "6000.00"} for month in months]
    await clerk.post("/contributions", {"items": items})
    await clerk.post(f"/persons/{listed['person_ref']}/spells:end", {"end": "2024-01-01"})
    await clerk.post("/persons:find", {"id_number": employee["id_number"]})
    await clerk.get(f"/persons/{person}")
    await clerk.get(f"/persons/{person}/state")
    await clerk.get(f"/persons/{person}/entitlement", on="2024-03-21", benefit="delivery")
    await clerk.get("/rates", pool=POOL, on="2024-03-21")
    unlisted = {"items": [{"id_number": "320102199003159038", "employer_ref": "E-9001"}]}
    await clerk.post("/coverage-gaps", unlisted | {"on": "2024-03-21"})
    return person


async def open_for_business(whole: Agency, recorder: Recorder) -> None:
    """Agreements, a catalogue and a book in force, as the agency makes them."""
    plain = await whole.caller("settlement", "clerk-a", "clerk", POOL)
    clerk = Walker(recorder, plain)
    agreement = {"level": 3, "start": "2020-01-01"}
    for code in (HIGH, LOW):
        await made(plain.post("/agreements", agreement | {"institution_code": code}))
    for item in CATALOGUE:
        await made(plain.post("/catalogue-items", item | {"start": "2020-01-01"}))
    await clerk.post("/agreements", agreement | {"institution_code": "H32010000009"})
    await clerk.get("/agreements", limit=10)
    await clerk.post(
        "/catalogue-items",
        {"item_code": "labour-analgesia", "name": "分娩镇痛", "item_class": "b",
         "first_copay_rate": "0.1", "start": "2020-01-01"},
    )  # fmt: skip
    proposal = (await clerk.post("/books", {}))["proposal"]
    await clerk.post(f"/books/{proposal}/approve", {}, name="second-person-needed")
    second = Walker(recorder, await whole.caller("settlement", "clerk-b", "clerk", POOL))
    await second.post(f"/books/{proposal}/approve", {})
    whole.clock.move(seconds=3)
    app = whole.services["settlement"].app

    async def current() -> bool:
        return app.state.office.book() is not None

    await until(current)
    finance = Walker(recorder, await whole.caller("settlement", "finance", "finance", POOL))
    await finance.post("/periods", {"month": "2024-02"})


async def _his_introduced(whole: Agency, recorder: Recorder) -> None:
    """A hospital's system, whose profile two clerks put in force."""
    clerk = Walker(recorder, await whole.caller("settlement", "clerk-a", "clerk", POOL))
    second = Walker(recorder, await whole.caller("settlement", "clerk-b", "clerk", POOL))
    his = {"institution_code": HIGH, "scheme": "csb_ms", "access_key": "AK-9001",
           "secret": "replace-with-a-long-one"}  # fmt: skip
    proposal = (await clerk.post("/his-profiles", his))["proposal"]
    await second.get("/his-profiles", after=0, limit=10)
    await clerk.post(f"/his-profiles/{proposal}/approve", {}, name="second-person-needed")
    await second.post(f"/his-profiles/{proposal}/approve", {})


async def _registered_by_mistake(whole: Agency, recorder: Recorder, mother: str) -> None:
    """A pregnancy of another day than was written, and in the end of another person."""
    plain = await whole.caller("settlement", "hospital-c", "hospital", POOL, LOW)
    desk = Walker(recorder, plain)
    registered = {"person_ref": mother, "since": "2024-03-25", "institution_code": LOW}
    pregnancy = (await made(plain.post("/pregnancies", registered)))["pregnancy_id"]
    await desk.post(f"/pregnancies/{pregnancy}/correct", {"since": "2024-03-26"})
    await desk.post(f"/pregnancies/{pregnancy}/cancel", {})


async def _catalogued(whole: Agency, recorder: Recorder) -> None:
    """What was listed ends early; of two files that an operator proposed by the command one is
    taken, one is put aside."""
    clerk = Walker(recorder, await whole.caller("settlement", "clerk-a", "clerk", POOL))
    await clerk.post("/catalogue-items/labour-analgesia/end", {"end": "2030-01-01"})
    await clerk.get("/catalogue-items", since="2024-01-01", kind="treatment", after=0, limit=2)
    await clerk.post("/agreements/H32010000009/end", {"end": "2030-01-01"})
    pool = whole.services["settlement"].app.state.office.pool
    scene = Scene(POOL, "", "operator:one", "request", whole.clock.now())
    proposed = []
    for code in ("epidural-set", "epidural-needle"):
        one = Listing(code, "硬膜外包", ItemKind.MATERIAL, "b", Decimal("0.1"), None, None, True,
                      date(2024, 1, 1), None)  # fmt: skip
        async with transaction(pool, [AGENCY]) as tx:
            proposed.append(await propose_import(tx, scene, [one], "0" * 64, lambda _: None))
    await clerk.get("/catalogue-imports", state="proposed", limit=10)
    await clerk.post(f"/catalogue-imports/{proposed[0]}/approve", {})
    await clerk.post(f"/catalogue-imports/{proposed[1]}/reject", {})


async def heard_of(whole: Agency, person: str) -> None:
    """Wait until settlement knows, by events, what a person has paid."""
    pool = whole.services["settlement"].app.state.office.pool
    paid = (
        "select true from person_state where person_ref = $1"
        " and json_array_length(state -> 'paid') > 0"
    )

    async def known() -> bool:
        return bool(await pool.fetchval(paid, person))

    await until(known)


async def _born(whole: Agency, recorder: Recorder, mother: str) -> dict[str, str]:
    """A birth by every call; and one in another hospital, eleven days later, that cannot be."""
    plain = await whole.caller("settlement", "hospital-a", "hospital", POOL, HIGH)
    desk = Walker(recorder, plain)
    registered = {"person_ref": mother, "since": "2023-07-01", "institution_code": LOW}
    pregnancy = (await desk.post("/pregnancies", registered))["pregnancy_id"]
    await desk.post(f"/pregnancies/{pregnancy}/transfer", {"institution_code": HIGH})
    await desk.get("/pregnancies", person_ref=mother, limit=10)
    await _checked(desk, mother, pregnancy)
    admission = {"stay_number": "ZY-2024-0310", "person_ref": mother,
                 "pregnancy_id": pregnancy, "admitted_on": "2024-03-10"}  # fmt: skip
    stay = (await desk.post("/stays", admission))["stay_id"]
    lines = [line | {"charged_on": "2024-03-10"} for line in LINES]
    await desk.post(f"/stays/{stay}/lines", {"lines": lines})
    await desk.post(f"/stays/{stay}/settle", {"total": TOTAL}, name="not-discharged")
    outcome = {"event_on": "2024-03-10", "discharged_on": "2024-03-14", "mode": "cesarean",
               "infants": 1, "weeks": 39, "total": TOTAL,
               "diagnoses": ["O82.100x002", "O34.200", "Z37.000"],
               "procedures": ["74.1x01", "03.9101"]}  # fmt: skip
    await desk.post(f"/stays/{stay}/quote", outcome)
    await desk.post(f"/stays/{stay}/discharge", outcome)
    await desk.get(f"/stays/{stay}")
    first = (await desk.post(f"/stays/{stay}/settle", {"total": TOTAL}))["settlement_id"]
    await desk.post(f"/stays/{stay}/settle", {"total": TOTAL}, name="settled-already")
    await desk.get(f"/settlements/{first}")
    await desk.get(f"/settlements/{first}/explanation")
    audit = Walker(recorder, await whole.caller("settlement", "service-audit", "service", ""))
    disputed = [
        {"settlement_id": first, "without_lines": [3]},
        {"settlement_id": first, "less": [{"item_code": "bed-day", "amount": "80.00"}]},
        {"settlement_id": first, "corrected": {"mode": "vaginal"}},
        {"settlement_id": first, "without_items": ["labour-analgesia"]},
    ]
    await audit.post("/prices", {"pool": POOL, "items": disputed})
    clerk = Walker(recorder, await whole.caller("settlement", "clerk-a", "clerk", POOL))
    opened = (await clerk.get("/allowances", pregnancy=pregnancy))["items"]
    await clerk.get("/allowances", name="usual-in-a-state", state="opened", limit=10)
    (allowance,) = [item["entitlement_id"] for item in opened if item["kind"] == "allowance"]
    base = {"entitlement_id": allowance, "wage_sum": "720000.00", "head_months": 120}
    await clerk.post("/allowances", base)
    await clerk.post("/allowances", base, name="fixed-already")
    await _told_whole(desk, mother, pregnancy)
    second = await claimed_again(whole, mother)
    return {"stay": stay, "first": first, "second": second, "mother": mother}


async def _checked(desk: Walker, mother: str, pregnancy: str) -> None:
    """A prenatal visit: the same calls as a birth, and what the pregnancy's units have left."""
    day = "2023-10-16"
    visit = {"stay_number": "MZ-2023-1016", "person_ref": mother, "pregnancy_id": pregnancy,
             "admitted_on": day, "benefit": "prenatal"}  # fmt: skip
    stay = (await desk.post("/stays", visit, name="usual-visit"))["stay_id"]
    line = {"line_number": 1, "item_code": "cesarean-section", "charged_on": day, "quantity": "1",
            "price": "300.00"}  # fmt: skip
    await made(desk.client.post(f"/stays/{stay}/lines", {"lines": [line]}))
    record = {"benefit": "prenatal", "event_on": day, "discharged_on": day, "week": 15,
              "total": "300.00", "diagnoses": ["Z34.900"]}  # fmt: skip
    await desk.post(f"/stays/{stay}/discharge", record, name="usual-visit")
    await desk.post(f"/stays/{stay}/settle", {"total": "300.00"}, name="usual-visit")
    await desk.get(f"/pregnancies/{pregnancy}/units")


async def _told_whole(desk: Walker, mother: str, pregnancy: str) -> None:
    """Two visits in one call, the second under a number that is used already."""
    cases = []
    for day, number in (("2023-12-11", "MZ-2023-1211"), ("2024-01-15", "MZ-2023-1016")):
        line = {"line_number": 1, "item_code": "prenatal-check", "charged_on": day,
                "quantity": "1", "price": "120.00"}  # fmt: skip
        record = {"benefit": "prenatal", "event_on": day, "discharged_on": day, "week": 23,
                  "total": "120.00"}  # fmt: skip
        cases.append({"key": f"visit-{day}", "stay_number": number, "person_ref": mother,
                      "pregnancy_id": pregnancy, "admitted_on": day, "benefit": "prenatal",
                      "lines": [line], "outcome": record})  # fmt: skip
    await desk.post("/settlements:batch", {"cases": cases})


async def claimed_again(whole: Agency, mother: str) -> str:
    """A second birth of the same mother in another hospital, settled: it cannot be."""
    low = await whole.caller("settlement", "hospital-b", "hospital", POOL, LOW)
    registered = {"person_ref": mother, "since": "2024-03-12", "institution_code": LOW}
    pregnancy = (await made(low.post("/pregnancies", registered)))["pregnancy_id"]
    admission = {"stay_number": "ZY-2024-0321", "person_ref": mother,
                 "pregnancy_id": pregnancy, "admitted_on": "2024-03-21"}  # fmt: skip
    stay = (await made(low.post("/stays", admission)))["stay_id"]
    lines = [line | {"charged_on": "2024-03-21"} for line in LINES]
    await made(low.post(f"/stays/{stay}/lines", {"lines": lines}))
    outcome = {"event_on": "2024-03-21", "discharged_on": "2024-03-24", "mode": "cesarean",
               "total": TOTAL}  # fmt: skip
    await made(low.post(f"/stays/{stay}/discharge", outcome))
    return str((await made(low.post(f"/stays/{stay}/settle", {"total": TOTAL})))["settlement_id"])


async def _snoozed(first: Walker, second: Walker) -> None:
    """A breach that is muted for a hospital by two people, and speaks again."""
    said = {"rule": "duplicate-claim", "institution_code": HIGH, "until": "2024-06-30",
            "reason": "系统切换期间重复上传"}  # fmt: skip
    asked = (await first.post("/snoozes", said))["snooze_id"]
    await first.post(f"/snoozes/{asked}/approve", {}, name="by-the-same-person")
    await second.post(f"/snoozes/{asked}/approve", {})
    await first.get("/snoozes", limit=10)
    await first.post(f"/snoozes/{asked}/end", {})


async def _told_by_two(first: Walker, second: Walker) -> None:
    """A price notice and a limit of an agreement, each by two people; a mistake is taken back."""
    notice = {"region": COUNTY, "month": "2024-04", "change": "0.05",
              "reason": "医疗服务价格调整通知"}  # fmt: skip
    kept = {"indicator": "caesarean-rate", "institution_code": LOW, "since": "2024-01",
            "window_months": 3, "limit": "0.35", "reason": "服务协议约定"}  # fmt: skip
    for place, said in (("/price-notices", notice), ("/indicator-limits", kept)):
        asked = (await first.post(place, said))["id"]
        await first.post(place, said, name="once-more")
        await first.post(f"{place}/{asked}/approve", {}, name="by-the-same-person")
        await second.post(f"{place}/{asked}/approve", {})
        await first.get(place, limit=10)
        if place == "/price-notices":
            await first.post(f"{place}/{asked}/end", {})
        else:
            await first.post(f"{place}/{asked}/end", {}, name="of-two-people")
            asked = await made(first.client.post(place, said | {"since": "2024-07"}))
            await first.post(f"{place}/{asked['id']}/end", {})


CHECK = {
    "stage": "in",
    "cases": [{
        "case_ref": "ZY-2024-0400", "person_ref": "00000000000000000000000000000099",
        "benefit": "delivery", "insurance_type": "510", "admitted_on": "2024-03-26",
        "event_on": "2024-03-26", "discharged_on": "2024-03-29", "total": "9000.00",
        "sex": "female", "age": 29, "mode": "cesarean", "weeks": 39,
        "diagnoses": ["O82.000", "Z37.000"], "procedures": ["74.1x01"],
        "orders": [
            {"item_code": "cesarean-section", "charged_on": "2024-03-26", "quantity": "2",
             "amount": "8000.00"},
            {"item_code": "anaesthesia", "charged_on": "2024-03-26", "quantity": "1",
             "amount": "600.00", "list_price": "600.00"},
        ],
    }],
}  # fmt: skip


async def _reviewed(whole: Agency, recorder: Recorder, claim: str) -> None:
    plain = await whole.caller("audit", "reviewer-a", "reviewer", POOL)
    first = Walker(recorder, plain)
    second = Walker(recorder, await whole.caller("audit", "reviewer-b", "reviewer", POOL))
    flag = await raised_on(plain, claim)
    await first.get("/flags", state="open", limit=10)
    await first.get("/flags", name="usual-by-money", order="money", overdue="false", limit=10)
    await first.get("/flag-counts")
    await first.get("/reasons")
    await first.post("/flags:next", {"state": "open"})
    await second.post(f"/flags/{flag}/lease", {}, name="held-by-another")
    await first.post(f"/flags/{flag}/lease", {"take_over": False})
    hospital = Walker(recorder, await whole.caller("audit", "hospital-b", "hospital", POOL, LOW))
    reviewed = {"version": 1, "reason_code": "duplicate-billing", "reason": "同一次分娩重复申报"}
    await first.post(f"/flags/{flag}/first-review", {"result": "pursue"} | reviewed)
    await hospital.get(f"/flags/{flag}/notice")
    line = {"line_number": 1, "text": "第二次为产后出血再入院"}
    said = {"version": 2, "stance": "contests", "text": "两次入院均有病历", "lines": [line]}
    await hospital.post(f"/flags/{flag}/statement", said)
    agreed = {"version": 3, "reason_code": "records-needed", "reason": "需核对病历"}
    place = f"/flags/{flag}/second-review"
    await first.post(place, {"result": "agree"} | agreed, name="by-the-same-person")
    await second.post(place, {"result": "investigate"} | agreed)
    shown = {"version": 4, "reason_code": "duplicate-billing", "reason": "病历显示为同一次分娩"}
    await second.post(f"/flags/{flag}/investigation", shown)
    taken_back = {"line_number": 1, "amount": "100.00"}
    disposal = {"outcome": "deduct", "amount": "100.00", "lines": [taken_back]}
    await first.post(f"/flags/{flag}/disposal", disposal | reviewed | {"version": 5})
    approval = {"agree": True} | reviewed | {"version": 6}
    await first.post(f"/flags/{flag}/approval", approval, name="by-the-same-person")
    await second.post(f"/flags/{flag}/approval", approval)
    await second.post(f"/flags/{flag}/release")
    clerk = await whole.caller("settlement", "clerk-c", "clerk", POOL)

    async def taken() -> Any:
        return (await made(clerk.get("/deductions")))["items"]

    async def told_back() -> Any:
        return (await made(plain.get(f"/flags/{flag}")))["deduction"] == "taken"

    await until(taken)
    await until(told_back)
    await first.get(f"/flags/{flag}")
    await first.get(f"/claims/{claim}")
    await first.get(f"/claims/{claim}/peers")
    await first.get("/reviews", since="2024-01-01", after="", limit=10)
    await first.get("/series", institution=LOW, since="2024-01", after="", limit=10)
    await first.get(f"/institutions/{LOW}")
    await first.get(f"/institutions/{LOW}/case-mix", until="2024-03", months=12)
    await first.get("/rules")
    await _snoozed(first, second)
    await _told_by_two(first, second)
    await first.get("/claim-scores", limit=10)
    await first.get("/scoring")
    unflagged = f"/claims/{await _unflagged(whole)}/pick"
    picked = await first.post(unflagged, {"reason": "再次核对费用明细"})
    await first.get(f"/flags/{picked['flag_id']}", name="usual-of-a-picked-claim")
    await second.post(unflagged, {"reason": "同上"}, name="picked-already")
    his = Walker(recorder, await whole.caller("audit", "his", "hospital", POOL, HIGH))
    checked = await his.post("/checks", CHECK)
    warned = {"case_ref": "ZY-2024-0400", "rule": "duplicate-charge", "way": "corrected"}
    await his.post(f"/checks/{checked['check_id']}/feedback", {"answers": [warned]})
    service = Walker(recorder, await whole.caller("audit", "service-settlement", "service", ""))
    asked_for = {"asked_for": {"pool_code": POOL, "institution_code": HIGH}}
    checked = await service.post("/checks:for-hospital", CHECK | asked_for)
    told = f"/checks/{checked['check_id']}/feedback:for-hospital"
    await service.post(told, {"answers": [warned]} | asked_for)
    await Walker(recorder, clerk).get("/deductions", state="pending", limit=10)


async def _unflagged(whole: Agency) -> str:
    """The first claim that audit heard of and no rule met."""
    async with transaction(whole.services["audit"].app.state.desk.pool, [AGENCY]) as tx:
        return str(
            await tx.fetchval(
                "select claim_id from claim c where pool_code = $1 and status = 'settled'"
                " and not exists (select from flag f where f.claim_id = c.claim_id)"
                " order by settled_at, claim_id limit 1",
                POOL,
            )
        )


async def _reconsidered(whole: Agency, recorder: Recorder) -> None:
    """A document that came late: two births, the one adjusted, the other left as it is."""
    plain = await whole.caller("settlement", "clerk-a", "clerk", POOL)
    other = await whole.caller("settlement", "clerk-b", "clerk", POOL)
    with TemporaryDirectory() as folder:
        book = book_with(Path(folder), LATE_AT_ONCE)
        await make_current(whole, plain, other, book)
    first, second = Walker(recorder, plain), Walker(recorder, other)
    done = await first.post("/reconsiderations", {"since": "2024-03-01", "until": "2024-03-31"})
    released, rejected = done["proposed"]
    await second.get("/adjustments", state="proposed", limit=10)
    await first.post(f"/adjustments/{released}/release", {}, name="second-person-needed")
    await second.post(f"/adjustments/{released}/release", {})
    await second.post(f"/adjustments/{released}/release", {}, name="decided-already")
    await second.post(f"/adjustments/{rejected}/reject", {})


async def _looked_back(whole: Agency, recorder: Recorder, claims: dict[str, str]) -> None:
    plain = await whole.caller("settlement", "hospital-a", "hospital", POOL, HIGH)
    desk = Walker(recorder, plain)
    await desk.post(f"/settlements/{claims['first']}/reverse", {})
    await desk.get("/settlements", stay=claims["stay"], institution=HIGH)
    await _level(desk, claims)
    await desk.get(f"/stays/{claims['stay']}/lines", after=1, limit=2)
    await desk.get(f"/stays/{claims['stay']}/record")
    await desk.get("/stays", person_ref=claims["mother"], since="2024-01-01", limit=1)
    await desk.get(
        "/settlements", name="usual-of-a-person", person_ref=claims["mother"], institution=HIGH
    )
    await _undone(desk, claims["stay"])
    await _mapped(whole, desk)


async def _mapped(whole: Agency, desk: Walker) -> None:
    """The hospital's own codes: one is approved and revoked later, one is rejected."""
    clerk = Walker(desk.recorder, await whole.caller("settlement", "clerk-a", "clerk", POOL))
    said = {"own_code": "CW-01", "own_name": "普通床位", "item_code": "bed-day"}
    kept = (await desk.post("/item-mappings", said))["mapping_id"]
    await desk.post("/item-mappings", said, name="stands-already")
    other = said | {"own_code": "CW-02"}
    wrong = (await made(desk.client.post("/item-mappings", other)))["mapping_id"]
    await clerk.get("/item-mappings", state="proposed", limit=10)
    await clerk.post(f"/item-mappings/{kept}/approve", {})
    await clerk.post(f"/item-mappings/{wrong}/reject", {})
    await desk.post(f"/item-mappings/{kept}/revoke", {})
    await clerk.get("/doubts", limit=10)


async def _level(desk: Walker, claims: dict[str, str]) -> None:
    """The hospital's book of the days, which knows of the reversal but not of what was settled."""
    reversed_ = await made(desk.client.get(f"/settlements/{claims['first']}"))
    sums = {"total": f"-{reversed_['total']}", "fund": f"-{reversed_['desk']['fund']}",
            "account": reversed_["member_account"]}  # fmt: skip
    period = {"since": "2024-01-01", "until": "2024-12-31"}
    nothing = {"total": "0.00", "fund": "0.00", "account": "0.00", "rows": 0}
    totals = period | {"insurance_type": "310", "refunds": "without", "totals": nothing}
    await desk.post("/reconciliations", totals, name="usual-totals")
    row = {"settlement_id": claims["first"], "refund": True} | sums
    detail = period | {"totals": sums | {"rows": 1}, "rows": [row]}
    kept = (await desk.post("/reconciliations", detail))["reconciliation_id"]
    await desk.post("/reconciliations", detail | {"rows": []}, name="rows-that-do-not-sum")
    await desk.get("/reconciliations", limit=10)
    await desk.get(f"/reconciliations/{kept}", after=0, limit=2)


async def _undone(desk: Walker, stay: str) -> None:
    """A stay whose settlement was reversed is taken back, step by step, to its beginning."""
    await desk.post(f"/stays/{stay}/cancel", {}, name="discharged")
    await desk.post(f"/stays/{stay}/reopen", {})
    back = {"line_number": 4, "item_code": "bed-day", "charged_on": "2024-03-12",
            "quantity": "-1", "price": "80.00", "returns": 2}  # fmt: skip
    await desk.post(f"/stays/{stay}/lines", {"lines": [back]}, name="usual-return")
    too_many = back | {"line_number": 5, "quantity": "-4"}
    await desk.post(f"/stays/{stay}/lines", {"lines": [too_many]}, name="returns-too-many")
    await desk.post(f"/stays/{stay}/lines:cancel", {"line_numbers": [3]})
    await desk.post(
        f"/stays/{stay}/lines:cancel", {"line_numbers": "all"}, name="usual-all-that-is-left"
    )
    await desk.post(f"/stays/{stay}/cancel", {})
