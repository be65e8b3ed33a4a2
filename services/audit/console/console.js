// The reviewers' page: the queue by money, and one flag with all that it stands on. It asks this
// service's own calls; the token lives in this variable and nowhere else.
import { WORDS } from "/console/words.js";
import { beside, byMonth, fen, toWire, yuan } from "/console/chart.js";

const FLAGS = "/audit/v1/flags", PAGE = 100, OVER = ["decided", "closed"];
const here = { token: "", language: navigator.language.startsWith("en") ? "en" : "zh", flags: [], next: null, flag: null };
const find = (id) => document.getElementById(id);
const words = () => WORDS[here.language];
const said = (code) => words().codes[code] ?? String(code).replaceAll("_", " ");
/** What a flag is of: a rule's family or a channel by its name, a pick in words. */
const named = (flag) => words().codes[flag.rule_family] ?? flag.rule_family ?? flag.channel;
const inWords = (of, name) => (here.language === "zh" ? of[`${name}_zh`] : of[name]) ?? of[name];
const moment = (text) => new Date(text).toLocaleString(here.language === "zh" ? "zh-CN" : "en-GB", { timeZone: "Asia/Shanghai" });

function made(name, content, facts = {}) {
  const element = document.createElement(name);
  Object.assign(element, facts);
  element.append(...[content ?? []].flat().map((part) => part ?? ""));
  return element;
}

class SignedOut extends Error {}

async function ask(path) {
  const answer = await fetch(path, { headers: { authorization: `Bearer ${here.token}` }, cache: "no-store" });
  if (answer.status === 401) throw new SignedOut("expired");
  if (answer.status === 403) throw new SignedOut("not_reviewer");
  if (!answer.ok) throw new Error(`${answer.status}`);
  return answer.json();
}

function notice(word) {
  find("notice").textContent = word ? words()[word] : "";
}

/** Does what a reader asked for; what goes wrong is said, and a token that is over asks for another. */
async function doing(act) {
  notice("");
  try {
    await act();
  } catch (failure) {
    if (failure instanceof SignedOut) signOut(failure.message);
    else notice("broken");
  }
}

function signOut(word = "") {
  Object.assign(here, { token: "", flags: [], flag: null });
  find("flags").replaceChildren();
  find("flag").replaceChildren(made("p", words().choose));
  show();
  notice(word);
}

async function signIn(form) {
  const body = JSON.stringify(Object.fromEntries(new FormData(form)));
  const answer = await fetch("/audit/v1/token", { method: "POST", body, headers: { "content-type": "application/json" } });
  if (!answer.ok) return notice(answer.status === 401 ? "refused" : "broken");
  here.token = (await answer.json()).access_token;
  form.reset();
  await loadQueue();
  show();
}

/** The states in which there are flags, and all that are under review. */
function fillStates() {
  const chosen = find("state").value;
  const named = Object.keys(here.counts ?? {}).map((state) => [state, `${said(state)} (${here.counts[state]})`]);
  const options = [["", words().all], ...named].map(([value, text]) => made("option", text, { value, selected: value === chosen }));
  find("state").replaceChildren(...options);
}

async function loadQueue() {
  here.counts = (await ask("/audit/v1/flag-counts")).counts;
  fillStates();
  Object.assign(here, { flags: [], next: null });
  await loadMore();
}

/** What is under review comes by money, what is over in the order raised. */
async function loadMore() {
  const state = find("state").value;
  const query = new URLSearchParams({ limit: PAGE, order: OVER.includes(state) ? "raised" : "money" });
  if (state) query.set("state", state);
  if (here.next) query.set("after", here.next);
  const answer = await ask(`${FLAGS}?${query}`);
  here.flags.push(...answer.flags);
  here.next = answer.next;
  showQueue();
}

function showQueue() {
  const sum = here.flags.reduce((total, flag) => total + fen(flag.amount_at_risk), 0n);
  find("sums").textContent = here.flags.length ? words().sums(here.flags.length, yuan(toWire(sum))) : words().none;
  const rows = here.flags.map((flag) => {
    const row = made("button", [
      made("b", yuan(flag.amount_at_risk), { className: "money" }), made("span", said(flag.grade), { className: flag.grade }),
      made("span", flag.institution_code), made("span", named(flag), { className: "what" }),
      made("span", [said(flag.state), flag.due_on ? ` · ${flag.due_on}` : ""]), made("span", flag.held_by ?? ""),
    ], { type: "button" });
    row.setAttribute("aria-current", String(here.flag?.flag_id === flag.flag_id));
    row.addEventListener("click", () => doing(() => loadFlag(flag.flag_id)));
    return made("li", row);
  });
  find("flags").replaceChildren(...rows);
  find("more").hidden = !here.next;
}

async function loadFlag(id) {
  const flag = await ask(`${FLAGS}/${id}`);
  const claim = flag.claim && `/audit/v1/claims/${flag.claim.claim_id}`;
  const [whole, peers] = claim ? await Promise.all([ask(claim), ask(`${claim}/peers`)]) : [null, null];
  Object.assign(here, { flag, peers, items: whole?.items ?? [] });
  showQueue();
  showFlag();
}

function showFlag() {
  const flag = here.flag, w = words();
  find("flag").replaceChildren(
    made("h2", `${yuan(flag.amount_at_risk)} · ${named(flag)} · ${flag.institution_code}`),
    facts([
      [w.state, said(flag.state)], [w.grade, said(flag.grade)], [w.raised_at, moment(flag.raised_at)], [w.due_on, flag.due_on],
      [w.channel, flag.channel], [w.month, flag.month], [w.next_steps, flag.next_steps.map(said).join("、")],
      [w.outcome, flag.outcome && said(flag.outcome)], [w.amount, flag.amount && yuan(flag.amount)],
      [w.deduction, flag.deduction === "none" ? null : said(flag.deduction)], [w.held_by, flag.held_by],
      [w.hearing, flag.hearing === "none" ? null : said(flag.hearing)],
    ]),
    ...picked(flag.pick), ...atStake(flag.money_at_risk), ...evidence(flag), ...charts(flag), ...items(), ...statements(flag), history(flag),
  );
}

function facts(pairs) {
  return made("dl", pairs.filter(([, value]) => value).map(([name, value]) => made("div", [made("dt", name), made("dd", String(value))])));
}

/** Why a claim is under review that no rule met, and what its score was then. */
function picked(pick) {
  const w = words();
  if (!pick) return [];
  const lot = pick.picked_by === "lot";
  const why = facts([
    [w.picked_by, said(pick.picked_by)], [w.by, lot ? null : pick.by], [w.at, moment(pick.picked_at)],
    [w.reason, lot ? null : pick.reason], [w.share, pick.share && w.one_in(Math.round(1 / Number(pick.share)))], [w.chance, pick.chance],
  ]);
  const then = inWords(pick, "explanation");
  return [made("section", [made("h3", w.pick), why, then ? made("p", then) : null], { id: "pick" })];
}

/** What each bears because of what is disputed, as re-pricing said. */
function atStake(money) {
  const w = words();
  if (!money) return [];
  const parts = money.fund === null ? [] : [[w.fund, yuan(money.fund)], [w.member, yuan(money.member)], [w.hospital, yuan(money.institution)]];
  const why = money.refused ? w.not_priced(money.refused) : w.not_asked;
  return [made("section", [made("h3", w.at_stake), parts.length ? facts(parts) : made("p", why)], { id: "at-stake" })];
}

function evidence(flag) {
  const w = words();
  const findings = (flag.findings ?? []).map((one) => made("section", [
    made("h4", `${inWords(one, "title")}${w.by_rule(one.rule, one.rule_version)}`),
    made("p", inWords(one, "explanation")), one.rival ? made("div", [made("h5", w.compared), claimFacts(one.rival)]) : null,
  ]));
  const months = (flag.months ?? []).flatMap((one) => [
    made("h4", `${inWords(one, "title")}${w.by_rule(one.rule, one.rule_version)}`),
    made("p", inWords(one, "explanation")), facts([[w.legal_basis, inWords(one, "legal_basis")]]), ...contributors(one),
  ]);
  const own = flag.claim ? [made("h4", w.this_claim), claimFacts(flag.claim)] : [];
  return [made("section", [made("h3", w.evidence), ...months, ...findings, ...own], { id: "evidence" })];
}

/** The claims that a month's alarm rests on most. */
function contributors(month) {
  const w = words();
  if (!month.contributors?.length) return [];
  const rows = month.contributors.map((one) => [one.claim_id, yuan(one.excess)]);
  return [made("h4", `${w.contributors} ${month.month}`), table([w.claim, w.above_usual], rows)];
}

function claimFacts(claim) {
  const w = words(), parts = claim.parts;
  return facts([
    [w.claim, claim.claim_id], [w.institution, claim.institution_code], [w.level, claim.institution_level],
    [w.benefit, said(claim.benefit)], [w.mode, claim.mode && said(claim.mode)], [w.admitted_on, claim.admitted_on],
    [w.event_on, claim.event_on], [w.discharged_on, claim.discharged_on], [w.settled_at, moment(claim.settled_at)],
    [w.status, said(claim.status)], [w.total, yuan(parts.total)], [w.fund, yuan(parts.fund)], [w.member, yuan(parts.member)],
    [w.hospital, yuan(parts.institution)], [w.person_ref, claim.person_ref],
    [w.diagnoses, claim.diagnoses?.join(" ")], [w.procedures, claim.procedures?.join(" ")],
  ]);
}

function charts(flag) {
  const w = words(), peers = here.peers, found = [];
  if (flag.months?.length) {
    const head = [w.month, w.actual, w.expected, w.cases];
    const rows = flag.months.map((one) => [one.month, yuan(one.actual), yuan(one.expected), one.cases]);
    found.push(plot(w.months_chart, byMonth(flag.months, w.months_chart), head, rows));
  }
  if (peers && !peers.enough) found.push(made("section", [made("h3", w.chart), made("p", w.few(peers.n))], { id: "chart" }));
  if (peers?.enough) {
    const label = `${w.chart}：${w.peers(peers.n, peers.since, peers.until)}；${w.below(peers.below, peers.n)}`;
    const names = ["own", "least", "p10", "p25", "median", "p75", "p90", "most"];
    found.push(plot(label, beside(peers, w, label), null, names.map((name) => [w[name], yuan(peers[name])])));
  }
  return found;
}

function items() {
  const w = words();
  if (!here.items.length) return [];
  const head = [w.item, w.quantity, w.amount, w.days, w.first_on, w.last_on];
  const rows = here.items.map((one) => [one.code, one.quantity, yuan(one.amount), one.days, one.first_on, one.last_on]);
  return [made("details", [made("summary", w.items), table(head, rows)], { id: "items" })];
}

function plot(caption, svg, head, rows) {
  return made("figure", [made("figcaption", caption), svg, made("details", [made("summary", words().figures), table(head, rows)])], { id: "chart" });
}

function table(head, rows) {
  const top = head ? [made("thead", made("tr", head.map((name) => made("th", name, { scope: "col" }))))] : [];
  const body = rows.map((row) => made("tr", row.map((cell) => made("td", String(cell ?? "")))));
  return made("table", [...top, made("tbody", body)]);
}

function statements(flag) {
  if (!flag.statements?.length) return [];
  const each = flag.statements.map((one) => made("p", `${moment(one.stated_at)} ${said(one.stance)} ${one.text}`));
  return [made("section", [made("h3", words().statements), ...each])];
}

function history(flag) {
  const w = words();
  const rows = flag.history.map((one) => [
    moment(one.at), said(one.step), one.by, `${said(one.from_state)} → ${said(one.to_state)}`, one.amount && yuan(one.amount), one.reason,
  ]);
  return made("section", [made("h3", w.history), table([w.at, w.step, w.by, w.from_to, w.amount, w.reason], rows)], { id: "history" });
}

function show() {
  document.documentElement.lang = here.language === "zh" ? "zh-CN" : "en";
  document.title = words().title;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = words()[element.dataset.word];
  find("language").textContent = words().other;
  find("sign-in").hidden = Boolean(here.token);
  find("sign-out").hidden = find("work").hidden = !here.token;
  if (!here.token) return;
  fillStates();
  showQueue();
  if (here.flag) showFlag();
}

find("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  doing(() => signIn(event.target));
});
find("sign-out").addEventListener("click", () => signOut());
find("state").addEventListener("change", () => doing(loadQueue));
find("more").addEventListener("click", () => doing(loadMore));
find("language").addEventListener("click", () => {
  here.language = here.language === "zh" ? "en" : "zh";
  show();
});
show();
