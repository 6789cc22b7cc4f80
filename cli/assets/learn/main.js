// The page: an exercise, its files, what is found in them, and what is asked of the server.

import { ask } from "./api.js";
import { element, find, rendered } from "./dom.js";
import { makeEditor } from "./editor.js";
import { showList } from "./list.js";
import { showPlots, showVerdict } from "./verdict.js";

const PAUSE_MS = 350;
const state = { exercise: null, file: null, isWorld: false, findings: [], timer: 0, unsaved: new Set(), saving: Promise.resolve() };
let editor;

const fail = (error) => {
  if (error.status === 409) {
    askWhich(error.answer);
    return;
  }
  const verdict = find("#verdict");
  verdict.hidden = false;
  verdict.replaceChildren(element("p", { class: "problem", role: "alert" }, error.message));
};
/** A file was changed elsewhere: theirs is shown, and the learner says which one stays. */
function askWhich({ error, name, theirs }) {
  const verdict = find("#verdict");
  const { exercise, unsaved } = state;
  const keep = async () => {
    exercise.read[name] = theirs;
    unsaved.add(name);
    await save();
    verdict.hidden = true;
  };
  const take = async () => {
    clearTimeout(state.timer);
    state.timer = 0;
    unsaved.delete(name);
    exercise.read[name] = theirs;
    if (theirs === null) delete exercise.files[name];
    else exercise.files[name] = theirs;
    verdict.hidden = true;
    show(theirs === null ? Object.keys(exercise.files)[0] : name, false);
  };
  verdict.hidden = false;
  verdict.replaceChildren(
    element("p", { class: "problem", role: "alert" }, `${error}. Yours is in the editor; theirs is this:`),
    element("pre", { class: "story" }, theirs ?? "(the file has gone)"),
    element("p", {},
      element("button", { type: "button", onclick: guarded(keep) }, "Keep mine"), " ",
      element("button", { type: "button", onclick: guarded(take) }, "Take theirs")),
  );
  verdict.scrollIntoView({ block: "nearest" });
}

/** What the server did not remember is said above the verdict. */
const tellNote = ({ note }) => {
  if (!note) return;
  find("#verdict").hidden = false;
  find("#verdict").prepend(element("p", { class: "problem", role: "alert" }, note));
};
const guarded = (work) => (...given) => work(...given).catch(fail);

async function refreshList() {
  const all = await ask("exercises");
  showList(all, guarded(open));
  return all;
}

async function open(id) {
  await settle();
  adopt(await ask(`open/${id}`));
  await refreshList();
  find("#verdict").hidden = true;
  find("#plots").hidden = true;
  if (matchMedia("(max-width: 900px)").matches) find("#list-holder").open = false;
  find("#task").focus({ preventScroll: true });
  find("#task").scrollIntoView({ block: "nearest" });
}

/** Shows an exercise as the server tells it. */
function adopt(exercise) {
  state.exercise = exercise;
  // What the server has of each file, as far as the page knows.
  exercise.read = { ...exercise.files };
  state.unsaved = new Set();
  document.title = `${exercise.title} · meshsim`;
  find("#task").replaceChildren(
    element("h1", {}, `${exercise.number}. ${exercise.title}`),
    element("ul", { class: "facts" }, ...[exercise.level, ...exercise.competencies].map((fact) => element("li", {}, fact))),
    rendered(exercise.task),
  );
  find("#help").replaceChildren(...exercise.hints.map((hint, number) => hintCard(number + 1, exercise.hintCount, hint)));
  find("#answer").hidden = false;
  state.findings = exercise.findings;
  show(Object.keys(exercise.files)[0], false);
}

function show(name, isWorld) {
  state.file = name;
  state.isWorld = isWorld;
  const { files, world } = state.exercise;
  const tab = (file, fixed) => element("button", {
    type: "button", role: "tab", "aria-selected": file === name && fixed === isWorld ? "true" : "false",
    class: fixed ? "world" : "", title: fixed ? "of the world: to be read" : "yours",
    onclick: guarded(async () => { await settle(); show(file, fixed); }),
  }, fixed ? `world/${file}` : file);
  find("#tabs").replaceChildren(
    ...Object.keys(files).map((file) => tab(file, false)),
    element("button", { type: "button", "aria-label": "A new file", title: "A new file", onclick: guarded(addFile) }, "+"),
    ...Object.keys(world).map((file) => tab(file, true)),
  );
  editor.show((isWorld ? world : files)[name] ?? "", isWorld);
  find("#saved").textContent = isWorld ? "This is in the mesh as well; it stays as it is." : "";
  showFindings();
}

async function addFile() {
  const name = prompt("Name of the new file", "more.yaml");
  if (!name) return;
  await settle();
  const { files, read } = state.exercise;
  files[name] ??= "";
  const { findings } = await ask(`save/${state.exercise.id}`, { name, text: files[name], read: read[name] ?? null });
  read[name] = files[name];
  state.findings = findings;
  show(name, false);
}

function showFindings() {
  const here = state.isWorld ? [] : state.findings.filter((one) => one.file === state.file);
  editor.mark(here);
  find("#findings").replaceChildren(...state.findings.map((one) => element("li", { class: one.level },
    element("button", {
      type: "button",
      onclick: () => {
        if (state.isWorld || state.file !== one.file) show(one.file, false);
        editor.goTo(one.from);
      },
    }, `${one.file}:${one.line}`), ` [${one.code}] ${one.message}`)));
}

/** The text has changed: it is saved after a pause, and looked at. */
function changed(text) {
  if (state.isWorld) return;
  state.exercise.files[state.file] = text;
  state.unsaved.add(state.file);
  find("#saved").textContent = "…";
  clearTimeout(state.timer);
  state.timer = setTimeout(() => { save().catch(fail); }, PAUSE_MS);
}

/** Saves what has changed, in whichever files; what cannot be saved is tried again by whoever asks next. */
function save() {
  clearTimeout(state.timer);
  state.timer = 0;
  const { exercise, unsaved } = state;
  // One after the other, so that an older text never replaces a newer one.
  state.saving = state.saving.catch(() => {}).then(async () => {
    for (const name of [...unsaved]) {
      unsaved.delete(name);
      try {
        const text = exercise.files[name];
        const { findings } = await ask(`save/${exercise.id}`, { name, text, read: exercise.read[name] ?? null });
        exercise.read[name] = text;
        if (state.exercise !== exercise || state.timer) continue;
        state.findings = findings;
        find("#saved").textContent = `saved as ${exercise.folder}/${name}`;
        showFindings();
      } catch (error) {
        unsaved.add(name);
        find("#saved").textContent = `${name} is not saved`;
        throw error;
      }
    }
  });
  return state.saving;
}

/** Waits until all is saved. */
const settle = () => (state.timer || state.unsaved.size ? save() : state.saving);

async function check() {
  const button = find("#check");
  if (!state.exercise || button.disabled) return;
  button.disabled = true;
  try {
    await settle();
    const answer = await ask(`check/${state.exercise.id}`);
    showVerdict(answer, state.exercise.title);
    tellNote(answer);
    showPlots(answer.plots ?? []);
    find("#verdict").scrollIntoView({ block: "nearest" });
    await refreshList();
  } finally {
    button.disabled = false;
  }
}

const hintCard = (number, of, html) => element("div", { class: "card" }, element("h3", {}, `Hint ${number} of ${of}`), rendered(html));

async function hint() {
  const answer = await ask(`hint/${state.exercise.id}`);
  const { number, of, hint: html } = answer;
  tellNote(answer);
  const cards = find("#help");
  if (cards.querySelectorAll(".card").length < number) cards.append(hintCard(number, of, html));
  cards.lastElementChild.scrollIntoView({ block: "nearest" });
}

async function solution() {
  let answer = await ask(`solution/${state.exercise.id}`);
  if (answer.asks) {
    if (!confirm("It has not passed yet. Show the solution all the same? That is remembered.")) return;
    answer = await ask(`solution/${state.exercise.id}`, { reveal: true });
  }
  tellNote(answer);
  const cards = answer.solutions.map(({ name, files, deleted }) => element("div", { class: "card" },
    element("h3", {}, `Solution: ${name}`),
    ...deleted.map((file) => element("p", {}, `${file} goes`)),
    ...Object.entries(files).map(([file, text]) => element("pre", { class: "story" }, `# ${file}\n${text}`))));
  find("#help").replaceChildren(...cards);
  find("#help").scrollIntoView({ block: "nearest" });
}

async function reset() {
  if (!confirm("Begin again? What is there is kept beside it.")) return;
  await settle();
  adopt(await ask(`reset/${state.exercise.id}`));
}

function startTheme() {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const root = document.documentElement;
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const tell = () => { find("#theme").textContent = isDark() ? "Light theme" : "Dark theme"; };
  find("#theme").addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem("meshsim-theme", root.dataset.theme);
    tell();
  });
  system.addEventListener("change", tell);
  tell();
}

/** Left and right go from file to file. */
function moveInTabs(event) {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return;
  const all = [...find("#tabs").querySelectorAll("button")];
  const next = all[all.indexOf(document.activeElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

async function start() {
  startTheme();
  find("#tabs").addEventListener("keydown", moveInTabs);
  // Before there is a list to choose from, there is an editor for what is chosen.
  const kinds = await ask("fields");
  editor = makeEditor(find("#editor"), { kinds, changed, check: guarded(check) });
  const all = await refreshList();
  for (const [id, work] of Object.entries({ check, hint, solution, reset })) {
    find(`#${id}`).addEventListener("click", guarded(work));
  }
  addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !event.defaultPrevented) guarded(check)();
  });
  if (all.current) await open(all.current);
}

start().catch(fail);
