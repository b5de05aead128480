// An automation's blocks are dragged, moved by keys, and what changed is told. Without this file the same is done by buttons.
"use strict";

// The press of a button that says where a block goes to.
function press(act) {
  const button = one("#moved");
  button.value = act;
  button.click();
}

function sortable() {
  if (!one("#moved")) return;
  for (const list of all("#tree .flow")) {
    new Sortable(list, {
      group: "flow", draggable: "[data-step]", handle: ".grip", animation: 120, forceFallback: true, fallbackOnBody: true,
      swapThreshold: 0.6, emptyInsertThreshold: 24,
      onEnd: ({ item, from, to, oldDraggableIndex, newDraggableIndex }) => {
        if (from !== to || oldDraggableIndex !== newDraggableIndex) press(`move:${item.dataset.step}:${to.dataset.place}:${newDraggableIndex}`);
      },
    });
  }
}

addEventListener("keydown", (event) => {
  const way = { ArrowUp: "up", ArrowDown: "down", ArrowRight: "in", ArrowLeft: "out" }[event.key];
  const block = event.altKey && way && event.target.closest("#tree [data-step]");
  if (!block || !one("#moved")) return;
  event.preventDefault();
  press(`${way}:${block.dataset.step}`);
});

addEventListener("htmx:afterSwap", ({ detail }) => {
  if (!["board", "tree"].includes(detail.target.id)) return;
  sortable();
  const told = one("#board").dataset.say;
  if (detail.target.id === "board" && told) say(told);
});
addEventListener("DOMContentLoaded", sortable);
