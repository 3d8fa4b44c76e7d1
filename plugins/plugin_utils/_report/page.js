"use strict";
// What is shown comes from others: it becomes text of elements, never HTML.
(() => {
  const report = JSON.parse(document.getElementById("data").textContent);
  const at = (id) => document.getElementById(id);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const hosts = Object.keys(report.hosts);
  // Plotly reads some HTML in its texts.
  const plain = (text) => String(text).replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  const shown = { host: "", text: "" };

  function element(name, text = "", className = "") {
    const made = document.createElement(name);
    made.textContent = text;
    if (className) made.className = className;
    return made;
  }

  function bytes(size) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    while (size >= 1024 && unit < units.length - 1) {
      size /= 1024;
      unit += 1;
    }
    return `${unit && size < 100 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
  }

  const name = (image) => image.names.join(", ") || image.id;
  const chosen = () => (shown.host ? [shown.host] : hosts);
  const each = (rows) => chosen().flatMap((host) => rows(report.hosts[host]).map((row) => ({ host, ...row })));
  const images = () => each((one) => one.images);
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  const day = (image) => image.created.slice(0, 10);
  const labels = (image) => Object.entries(image.labels).map(([key, value]) => `${key}=${value}`).join(", ");

  const TABLES = {
    images: {
      rows: images,
      columns: [
        { title: "Host", value: (row) => row.host },
        { title: "Image", value: name, kind: "text" },
        { title: "Created", value: day },
        { title: "Size", value: (row) => row.size, text: (row) => bytes(row.size), kind: "number" },
        { title: "Shared", value: (row) => row.shared, text: (row) => bytes(row.shared), kind: "number" },
        { title: "Layers", value: (row) => row.layers, kind: "number" },
        { title: "Containers", value: (row) => row.containers.join(", "), kind: "text" },
        { title: "Labels", value: labels, kind: "text" },
        { title: "Flaw", value: (row) => row.flaw, kind: (row) => (row.flaw ? "text" : "") },
      ],
      sort: { column: 3, down: true },
    },
    prune: {
      rows: images,
      columns: [
        { title: "Host", value: (row) => row.host },
        { title: "Image", value: name, kind: "text" },
        { title: "Verdict", value: (row) => (row.goes ? "goes" : "stays"), kind: (row) => (row.goes ? "goes" : "stays") },
        { title: "Reason", value: (row) => row.reason, kind: "text" },
        { title: "Frees", value: (row) => row.freed, text: (row) => (row.goes ? bytes(row.freed) : ""), kind: "number" },
      ],
      sort: { column: 4, down: true },
    },
    stale: {
      rows: () => each((one) => one.stale),
      columns: [
        { title: "Host", value: (row) => row.host },
        { title: "Name", value: (row) => row.name, kind: "text" },
        { title: "On the host", value: (row) => row.before || "", kind: "text" },
        { title: "In the registry", value: (row) => row.after || "", kind: "text" },
      ],
      sort: { column: 1, down: false },
    },
    drift: {
      rows: () =>
        report.drift
          .filter((row) => !shown.host || shown.host in row.hosts)
          .flatMap((row) =>
            Object.entries(row.hosts).map(([host, image]) => ({ group: row.group, name: row.name, host, image })),
          ),
      columns: [
        { title: "Group", value: (row) => row.group },
        { title: "Name", value: (row) => row.name, kind: "text" },
        { title: "Host", value: (row) => row.host },
        { title: "Image", value: (row) => row.image || "none" },
      ],
      sort: { column: 1, down: false },
    },
  };

  function compare(one, other) {
    return typeof one === "number" ? one - other : String(one).localeCompare(String(other), "en", { numeric: true });
  }

  function table(id) {
    const { rows, columns, sort } = TABLES[id];
    const every = rows();
    const text = (column, row) => String((column.text || column.value)(row));
    const passing = every.filter((row) =>
      columns.map((column) => text(column, row)).join("\n").toLowerCase().includes(shown.text),
    );
    const { value } = columns[sort.column];
    passing.sort((one, other) => (sort.down ? -1 : 1) * compare(value(one), value(other)));

    const head = element("tr");
    columns.forEach((column, index) => {
      const cell = element("th");
      const button = element("button", column.title);
      button.type = "button";
      cell.scope = "col";
      cell.ariaSort = index === sort.column ? (sort.down ? "descending" : "ascending") : "none";
      button.addEventListener("click", () => {
        sort.down = index === sort.column && !sort.down;
        sort.column = index;
        table(id);
        at(id).querySelectorAll("th button")[index].focus();
      });
      cell.append(button);
      head.append(cell);
    });
    const body = element("tbody");
    for (const row of passing) {
      const line = element("tr");
      for (const column of columns) {
        const kind = typeof column.kind === "function" ? column.kind(row) : column.kind;
        line.append(element("td", text(column, row), kind));
      }
      body.append(line);
    }
    const made = element("table");
    const top = element("thead");
    top.append(head);
    made.append(top, body);
    const frame = element("div", "", "wide");
    frame.append(made);
    const count = element("p", every.length ? `${passing.length} of ${every.length}` : "None.", "count");
    at(id).replaceChildren(count, ...(every.length ? [frame] : []));
  }

  const layout = () => ({
    autosize: true,
    font: { color: colour("text"), family: "system-ui, sans-serif" },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    margin: { l: 4, r: 4, t: 8, b: 8 },
  });
  const config = { displaylogo: false, displayModeBar: false, responsive: true };

  function treemap() {
    const boxes = { ids: [], labels: [], parents: [], values: [], text: [], colors: [] };
    const add = (id, label, parent, value, text, fill) => {
      boxes.ids.push(id);
      boxes.labels.push(plain(label));
      boxes.parents.push(parent);
      boxes.values.push(value);
      boxes.text.push(plain(text));
      boxes.colors.push(fill);
    };
    for (const host of chosen()) {
      add(host, host, "", 0, "", colour("box"));
      for (const run of report.hosts[host].layers) {
        const count = run.images.length;
        add(
          `${host}/${run.id}`,
          count === 1 ? run.images[0] : `${count} images`,
          run.below ? `${host}/${run.below}` : host,
          run.size,
          `${bytes(run.size)} in ${run.layers} ${run.layers === 1 ? "layer" : "layers"} of ${run.images.slice(0, 8).join(", ")}${count > 8 ? " …" : ""}`,
          colour(count === 1 ? "own" : "shared"),
        );
      }
    }
    const trace = {
      type: "treemap",
      branchvalues: "remainder",
      ids: boxes.ids,
      labels: boxes.labels,
      parents: boxes.parents,
      values: boxes.values,
      text: boxes.text,
      textinfo: "label",
      hovertemplate: "<b>%{label}</b><br>%{text}<extra></extra>",
      marker: { colors: boxes.colors, line: { color: colour("ground"), width: 1 }, pad: { t: 18, l: 3, r: 3, b: 3 } },
      tiling: { pad: 2 },
    };
    Plotly.react("treemap", [trace], layout(), config);
  }

  function scatter() {
    const kinds = [
      ["used", "used by containers", "own", "circle", (row) => row.containers.length > 0],
      ["stays", "unused, stays", "stays", "square", (row) => !row.containers.length && !row.goes],
      ["goes", "goes with a prune", "goes", "x", (row) => row.goes],
    ];
    const known = images().filter((row) => row.created > "1971");
    const traces = kinds.map(([, title, fill, symbol, fits]) => {
      const rows = known.filter(fits);
      return {
        type: "scatter",
        mode: "markers",
        name: title,
        x: rows.map((row) => row.created),
        y: rows.map((row) => row.size / 1024 ** 2),
        text: rows.map((row) => plain(`${name(row)} on ${row.host}`)),
        hovertemplate: "<b>%{text}</b><br>%{x|%Y-%m-%d}, %{y:.1f} MiB<extra></extra>",
        marker: { color: colour(fill), symbol, size: 9 },
      };
    });
    const grid = { gridcolor: colour("line"), zeroline: false, automargin: true };
    Plotly.react(
      "scatter",
      traces,
      {
        ...layout(),
        xaxis: { ...grid, type: "date", title: { text: "created" } },
        yaxis: { ...grid, type: "log", dtick: "D2", title: { text: "MiB" } },
        legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
        margin: { l: 4, r: 8, t: 36, b: 4 },
      },
      config,
    );
  }

  function sums() {
    const all = chosen().map((host) => report.hosts[host]);
    const freed = sum(all.map((one) => one.pruned.bytes));
    const values = {
      Hosts: all.length,
      Images: sum(all.map((one) => one.images.length)),
      "Bytes of layers": bytes(sum(all.flatMap((one) => one.layers.map((run) => run.size)))),
      "A prune frees": bytes(freed),
      "Stale names": sum(all.map((one) => one.stale.length)),
      "Names in drift": report.drift.filter((row) => !shown.host || shown.host in row.hosts).length,
    };
    at("sums").replaceChildren(
      ...Object.entries(values).map(([title, value]) => {
        const box = element("div");
        box.append(element("dt", title), element("dd", value));
        return box;
      }),
    );
    const count = sum(all.map((one) => one.pruned.images));
    at("freed").textContent = `With the rules of this report, ${count} ${count === 1 ? "image goes" : "images go"}, which frees ${bytes(freed)}.`;
    at("problems").replaceChildren(...all.flatMap((one) => one.problems.map((text) => element("li", text))));
  }

  function draw() {
    sums();
    treemap();
    scatter();
    Object.keys(TABLES).forEach(table);
  }

  at("made").textContent = report.made ? `Made at ${report.made}` : "";
  at("host").append(...["", ...hosts].map((host) => new Option(host || `all ${hosts.length} hosts`, host)));
  at("host").addEventListener("change", () => {
    shown.host = at("host").value;
    draw();
  });
  at("filter").addEventListener("input", () => {
    shown.text = at("filter").value.toLowerCase();
    Object.keys(TABLES).forEach(table);
  });
  at("print").addEventListener("click", () => window.print());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  matchMedia("print").addEventListener("change", draw);
  draw();
})();
