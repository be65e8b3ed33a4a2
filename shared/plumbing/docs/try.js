// Makes the examples work as they stand: an id of an example is exchanged for the one that this
// page was answered last in its place, each call gets a key of its own, a token is taken over.
"use strict";

// The example's id -> the id that was really answered; kept, so that whom one service's page
// registered the next one's page can admit.
const seen = new Map(JSON.parse(localStorage.getItem("seen") ?? "[]"));
const MADE = /0{8}-0{4}-7000-8000-\d{12}|0{28}\d{4}/g;

const page = SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  persistAuthorization: true,
  validatorUrl: null,
  requestInterceptor(request) {
    const exchange = (text) => text.replace(MADE, (id) => seen.get(id) ?? id);
    request.url = exchange(request.url);
    if (typeof request.body === "string") request.body = exchange(request.body);
    const key = request.headers?.["Idempotency-Key"];
    if (key?.startsWith("example-")) request.headers["Idempotency-Key"] = freshKey();
    return request;
  },
  responseInterceptor(response) {
    if (!response.ok || response.url.endsWith("/openapi.json")) return response;
    const answered = response.body ?? {};
    if (answered.access_token) page.preauthorizeApiKey("bearer", answered.access_token);
    for (const example of examplesFor(response)) learn(example, answered);
    localStorage.setItem("seen", JSON.stringify([...seen]));
    return response;
  },
});

function freshKey() {
  return [...crypto.getRandomValues(new Uint32Array(4))].map((n) => n.toString(16)).join("-");
}

// The answers that the description shows for the call that was just made.
function examplesFor(response) {
  const path = new URL(response.url, location).pathname;
  const found = [];
  const paths = page.specSelectors.specJson().toJS().paths;
  for (const [template, item] of Object.entries(paths)) {
    const parts = template.split("/");
    const given = path.split("/");
    const same = parts.length === given.length
      && parts.every((part, n) => part.startsWith("{") || part === given[n]);
    if (!same) continue;
    for (const operation of Object.values(item)) {
      for (const content of Object.values(operation.responses[response.status]?.content ?? {})) {
        found.push(...Object.values(content.examples ?? {}).map((example) => example.value));
      }
    }
  }
  return found;
}

function learn(example, answered) {
  if (typeof example === "string" && typeof answered === "string") {
    if (example.match(MADE)?.[0] === example) seen.set(example, answered);
  } else if (example && answered && typeof example === "object") {
    for (const name of Object.keys(example)) learn(example[name], answered[name]);
  }
}
