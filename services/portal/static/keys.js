// Keyboard on lists: j and k move between rows, Enter opens, / goes to the first filter.
(() => {
  const typing = (element) => /^(INPUT|SELECT|TEXTAREA)$/.test(element.tagName);
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const links = [...document.querySelectorAll("a[data-row]")];
    const at = links.indexOf(document.activeElement);
    const step = { j: 1, k: -1 }[event.key];
    if (step !== undefined && links.length) {
      links[Math.min(links.length - 1, Math.max(0, at + step))].focus();
      event.preventDefault();
    } else if (event.key === "/") {
      const field = document.querySelector("main input:not([type=hidden]), main select");
      if (field) { field.focus(); event.preventDefault(); }
    }
  });
})();
