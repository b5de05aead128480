// Draws an API's document by Swagger UI, with a search of our own: theirs knows only tags.
"use strict";

const place = document.getElementById("api");

const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// The texts are long: what stands on the page, with the operations first.
const contents = () => {
  const parts = [["Operations", ".search"], ["Webhooks", ".webhooks"]].map(([name, at]) => [name, place.querySelector(at)]);
  const texts = [...place.querySelectorAll(".info .description h2")].map((head) => [head.textContent, head]);
  const list = document.createElement("nav");
  list.setAttribute("aria-label", "On this page");
  for (const [name, at] of [...parts, ...texts].filter(([, at]) => at)) {
    const button = document.createElement("button");
    button.textContent = at.matches(".webhooks") ? "Events sent to webhooks" : name;
    button.addEventListener("click", () => at.scrollIntoView());
    list.append(button);
  }
  document.querySelector("header").append(list);
};

const texts = (tag, one) => {
  const of = one.get("operation");
  return [tag, one.get("method"), one.get("path"), of.get("summary"), of.get("description")].join(" ").toLowerCase();
};

const search = ({ React }) => ({
  fn: {
    opsFilter: (tags, asked) => {
      const words = asked.toLowerCase().split(/\s+/);
      const fits = (name) => (one) => words.every((word) => texts(name, one).includes(word));
      return tags
        .map((tag, name) => tag.update("operations", (all) => all.filter(fits(name))))
        .filter((tag) => tag.get("operations").size);
    },
  },
  wrapComponents: {
    FilterContainer: (_, { layoutActions }) => () =>
      React.createElement("input", {
        type: "search",
        className: "search",
        placeholder: "Search operations: orders, coins, POST",
        "aria-label": "Search operations",
        onChange: (event) => layoutActions.updateFilter(event.target.value.trim()),
      }),
  },
});

SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  filter: "",
  onComplete: contents,
  validatorUrl: null,
  defaultModelsExpandDepth: -1,
  defaultModelExpandDepth: 3,
  presets: [SwaggerUIBundle.presets.apis],
  plugins: [search],
});
