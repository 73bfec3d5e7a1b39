// Tables as text with commas (RFC 4180), as entity lists come and as a form wants them.

// Text -> rows of cells. A mark of UTF-8 at the beginning is left out, and so are empty lines.
export function parse(text) {
  const rows = [];
  let row = [], cell = "", quoted = false, wasQuoted = false;
  const endCell = () => { row.push(cell); cell = ""; wasQuoted = false; };
  const endRow = () => {
    const empty = !row.length && !cell && !wasQuoted;
    endCell();
    if (!empty) rows.push(row);
    row = [];
  };
  const from = text.startsWith("\ufeff") ? 1 : 0;
  for (let at = from; at < text.length; at += 1) {
    const sign = text[at];
    if (quoted) {
      if (sign !== '"') cell += sign;
      else if (text[at + 1] === '"') { cell += '"'; at += 1; }
      else quoted = false;
    } else if (sign === '"' && !cell) quoted = wasQuoted = true;
    else if (sign === ",") endCell();
    else if (sign === "\n") endRow();
    else if (sign !== "\r" || text[at + 1] !== "\n") cell += sign;
  }
  if (cell || row.length || wasQuoted) endRow();
  return rows;
}

const written = (cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

// Rows of cells -> text; a row with fewer cells than `width` has empty ones at its end, or where it has holes.
export const write = (rows, width) => rows.map((row) =>
  Array.from({ length: width }, (_, column) => written(`${row[column] ?? ""}`)).join(",")).join("\r\n") + "\r\n";
