const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escapeHtml = (text) => text.replace(/[&<>"']/g, (ch) => ESCAPES[ch]);

const slugify = (text) =>
  text
    .normalize("NFD")
    .replace(/\p{Diacritic}/gu, "")
    .toLowerCase()
    .replace(/[^\p{Letter}\p{Number}]+/gu, "-")
    .replace(/^-+|-+$/g, "");

function inline(text) {
  return escapeHtml(text)
    .replace(/`([^`]+)`/g, "<code>$1</code>")
    .replace(/\*\*(.+?)\*\*/g, "<strong>$1</strong>")
    .replace(/(?<!\*)\*(?!\*)(.+?)(?<!\*)\*(?!\*)/g, "<em>$1</em>")
    .replace(/\[([^\]]+)\]\((https?:[^)\s]+)\)/g, '<a href="$2">$1</a>');
}

function markdownToHtml(source) {
  const html = [];
  let list = null;
  const close = () => {
    if (list) html.push(`</${list}>`);
    list = null;
  };
  for (const line of source.split("\n")) {
    let m;
    if ((m = /^(#{1,6})\s+(.*)$/.exec(line))) {
      close();
      html.push(`<h${m[1].length} id="${slugify(m[2])}">${inline(m[2])}</h${m[1].length}>`);
    } else if ((m = /^(?:([-*])|\d+\.)\s+(.*)$/.exec(line))) {
      const kind = m[1] ? "ul" : "ol";
      if (list !== kind) {
        close();
        html.push(`<${(list = kind)}>`);
      }
      html.push(`<li>${inline(m[2])}</li>`);
    } else if (line.trim()) {
      close();
      html.push(`<p>${inline(line.trim())}</p>`);
    }
  }
  close();
  return html.join("");
}

// RFC 4180 CSV parser as a small state machine
function parseCsv(text, separator = ",") {
  const rows = [[]];
  let field = "";
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    const ch = text[i];
    if (quoted) {
      if (ch === '"' && text[i + 1] === '"') {
        field += '"';
        i++;
      } else if (ch === '"') quoted = false;
      else field += ch;
    } else if (ch === '"') quoted = true;
    else if (ch === separator || ch === "\n") {
      rows.at(-1).push(field);
      field = "";
      if (ch === "\n") rows.push([]);
    } else if (ch !== "\r") field += ch;
  }
  rows.at(-1).push(field);
  const [header, ...body] = rows.filter((r) => r.length > 1 || r[0] !== "");
  return body.map((r) => Object.fromEntries(header.map((h, i) => [h, r[i]])));
}

const html = markdownToHtml(input.markdown);
const rows = parseCsv(input.csv);
const template = "Dear {{ name }}, you owe {{amount}} to {{who}}.";
const letters = rows.map((row) => template.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (all, key) => row[key] ?? all));

console.log(html.length, "characters of HTML,", rows.length, "rows");
console.log(letters.join("\n"));

const lookup = await Promise.all(rows.map(async (row, i) => {
  await new Promise((r) => setTimeout(r, 5 - i));
  return `${i}:${row.name.toLocaleUpperCase()}`;
}));

({ html, rows, letters, lookup, camel: "some-css-property".replace(/-([a-z])/g, (_, c) => c.toUpperCase()) });
