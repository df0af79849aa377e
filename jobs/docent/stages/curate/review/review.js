"use strict";
// What people decide about pairs: kept in this browser, downloaded as edits.csv. Nothing is sent anywhere.
(() => {
  const body = document.body;
  const pairs = [...document.querySelectorAll(".pair")];
  const columns = body.dataset.columns.split(" ");
  const filters = ["verdict", "type", "document", "decided"];
  const field = (name) => document.getElementById("filter-" + name);
  const said = { approve: "approved", reject: "rejected", edit: "edited" };
  let current = null;

  // Storage may be refused (private windows, strict settings); the page then remembers until it is closed.
  let decided = {};
  const key = "docent-review-" + body.dataset.key;
  try { decided = JSON.parse(localStorage.getItem(key)) || {}; } catch { decided = {}; }
  const keep = () => { try { localStorage.setItem(key, JSON.stringify(decided)); } catch { /* see above */ } };

  const part = (pair, name) => pair.querySelector(name);
  const original = (pair) => ({ question: part(pair, ".question").textContent, answer: part(pair, ".answer").textContent });
  const originals = new Map(pairs.map((pair) => [pair.dataset.id, original(pair)]));

  // Decisions of an earlier review come with the page.
  for (const { dataset } of pairs) {
    if ((dataset.decision || dataset.note) && !(dataset.id in decided)) {
      decided[dataset.id] = { decision: dataset.decision, question: dataset.editedQuestion, answer: dataset.editedAnswer, note: dataset.note || "" };
    }
  }

  function show(pair) {
    const { decision = "", question = "", answer = "", note = "" } = decided[pair.dataset.id] || {};
    const first = originals.get(pair.dataset.id);
    const edited = decision === "edit";
    pair.dataset.decided = decision;
    part(pair, ".question").textContent = edited && question ? question : first.question;
    part(pair, ".answer").textContent = edited && answer ? answer : first.answer;
    part(pair, ".decision").textContent = said[decision] || "";
    part(pair, ".edit-note").value = note;
  }

  function decide(pair, change) {
    const id = pair.dataset.id;
    const next = { decision: "", question: "", answer: "", note: "", ...decided[id], ...change };
    if (next.decision !== "edit") { next.question = ""; next.answer = ""; }
    decided[id] = next;
    keep();
    show(pair);
    count();
  }

  function edit(pair) {
    part(pair, ".edit-question").value = part(pair, ".question").textContent;
    part(pair, ".edit-answer").value = part(pair, ".answer").textContent;
    part(pair, ".editing").hidden = false;
    part(pair, ".edit-question").focus();
  }

  function close(pair) {
    part(pair, ".editing").hidden = true;
    pair.focus();
  }

  function save(pair) {
    const question = part(pair, ".edit-question").value.trim();
    const answer = part(pair, ".edit-answer").value.trim();
    const first = originals.get(pair.dataset.id);
    const changed = question !== first.question.trim() || answer !== first.answer.trim();
    if (question && answer) decide(pair, changed ? { decision: "edit", question, answer } : { decision: "approve" });
    close(pair);
  }

  const actions = {
    approve: (pair) => { decide(pair, { decision: "approve" }); move(1, pair); },
    reject: (pair) => { decide(pair, { decision: "reject" }); move(1, pair); },
    edit,
    undo: (pair) => decide(pair, { decision: "" }),
    save,
    cancel: close,
  };

  const visible = () => pairs.filter((pair) => !pair.hidden);

  function choose(pair) {
    if (current) current.classList.remove("is-current");
    current = pair;
    if (pair) { pair.classList.add("is-current"); pair.focus(); pair.scrollIntoView({ block: "nearest" }); }
  }

  function move(step, from = current) {
    const shown = visible();
    const at = shown.indexOf(from);
    choose(shown[at < 0 ? 0 : Math.min(Math.max(at + step, 0), shown.length - 1)] || null);
  }

  function count() {
    const done = pairs.filter((pair) => pair.dataset.decided).length;
    document.getElementById("count").textContent = `${visible().length} shown, ${done} of ${pairs.length} decided`;
  }

  function filter() {
    const want = Object.fromEntries(filters.map((name) => [name, field(name).value]));
    for (const pair of pairs) {
      const fits = ["verdict", "type", "document"].every((name) => !want[name] || pair.dataset[name] === want[name]);
      const is = pair.dataset.decided ? "yes" : "no";
      pair.hidden = !fits || Boolean(want.decided && want.decided !== is);
    }
    document.getElementById("empty").hidden = visible().length > 0;
    count();
  }

  // An apostrophe before everything that a spreadsheet would compute, as in docent/text/encodings/spreadsheet.py.
  const cell = (text) => {
    const safe = text.replace(/(?<=(?:^|[;\t\r\n])"*)(?='*[=+@\t\r\-＝＋－＠])/g, "'");
    return /[",\r\n]/.test(safe) ? '"' + safe.replaceAll('"', '""') + '"' : safe;
  };

  function row(pair) {
    const { id, item, type, file, lines, verdict, reasons } = pair.dataset;
    const { decision, question: editedQuestion, answer: editedAnswer, note } = decided[id];
    const source = [...pair.querySelectorAll(".used .text")].map((text) => text.textContent).join("\n");
    const { question, answer } = originals.get(id);
    const values = {
      id, item, question_type: type, question, answer, source, file, lines, verdict, reasons, decision,
      edited_question: editedQuestion, edited_answer: editedAnswer, note,
    };
    return columns.map((column) => cell(values[column] || "")).join(",");
  }

  function download() {
    const rows = pairs.filter(({ dataset }) => decided[dataset.id] && (decided[dataset.id].decision || decided[dataset.id].note)).map(row);
    const text = "\ufeff" + [columns.join(","), ...rows].join("\r\n") + "\r\n";
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([text], { type: "text/csv" }));
    link.download = "edits.csv";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  }

  document.getElementById("main").addEventListener("click", (event) => {
    const pair = event.target.closest(".pair");
    const name = event.target.dataset.do;
    if (pair && pair !== current) { if (current) current.classList.remove("is-current"); current = pair; pair.classList.add("is-current"); }
    if (pair && name) actions[name](pair);
  });
  document.getElementById("main").addEventListener("change", (event) => {
    if (event.target.matches(".edit-note")) decide(event.target.closest(".pair"), { note: event.target.value.trim() });
  });
  document.getElementById("filters").addEventListener("change", filter);
  document.getElementById("filters").addEventListener("submit", (event) => event.preventDefault());
  document.getElementById("download").addEventListener("click", download);

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "Enter" && current && !part(current, ".editing").hidden) { save(current); return; }
    if (event.key === "Escape" && current && !part(current, ".editing").hidden) { close(current); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const own = { a: "approve", r: "reject", e: "edit", u: "undo" }[event.key];
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (own && current) actions[own](current);
    else return;
    event.preventDefault();
  });

  pairs.forEach(show);
  filter();
})();
