// The page keeps itself fresh: its own address again every three seconds, what a reader opened stays open.
setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href);
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
    const here = document.querySelector("main");
    if (!answer.ok || !fresh) return;
    for (const open of here.querySelectorAll("details[open]"))
      fresh.querySelector(`details[data-of="${open.dataset.of}"]`)?.setAttribute("open", "");
    here.replaceWith(fresh);
  } catch { /* stopped, or starting again: the last picture stays */ }
}, 3000);
