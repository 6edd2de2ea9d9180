/** The style of the page of a scan: light and dark as the reader's system is, and plain on paper. */
export const pageStyle = `
:root{color-scheme:light dark;--fg:#1b1f24;--bg:#fff;--dim:#57606a;--line:#d0d7de;--soft:#f6f8fa;
--open:#1a7f37;--filtered:#9a6700;--closed:#8c959f;--unreachable:#8250df;--error:#cf222e}
@media (prefers-color-scheme:dark){:root{--fg:#e6edf3;--bg:#0d1117;--dim:#9198a1;--line:#30363d;--soft:#161b22;
--open:#3fb950;--filtered:#d29922;--closed:#6e7681;--unreachable:#a371f7;--error:#f85149}}
@media print{:root{color-scheme:light;--fg:#000;--bg:#fff;--dim:#444;--line:#bbb;--soft:#fff;
--open:#1a7f37;--filtered:#9a6700;--closed:#8c959f;--unreachable:#8250df;--error:#cf222e}
*{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:75rem;color:var(--fg);background:var(--bg);font:15px/1.45 system-ui,sans-serif}
h1{font-size:1.4rem;margin:.2rem 0;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:1.4rem 0 .4rem}p{margin:.3rem 0}
.dim{color:var(--dim)}.verdict{font-weight:600}.yes{color:var(--open)}.no{color:var(--error)}
.doubt{border-left:4px solid var(--filtered);background:var(--soft);padding:.4rem .8rem;margin:.8rem 0;overflow-wrap:anywhere}
.doubt h2{margin-top:.2rem}ul{margin:.3rem 0;padding-left:1.2rem}
.counts{display:flex;flex-wrap:wrap;gap:.5rem;margin:.6rem 0;padding:0;list-style:none}
.counts li{border:1px solid var(--line);border-radius:6px;padding:.3rem .7rem}.counts b{font-size:1.2rem}
.scroll{overflow-x:auto}svg{display:block;max-width:100%;height:auto}svg text{fill:var(--dim);font:10px system-ui,sans-serif}
.grid svg{max-width:none}@media print{.grid svg{max-width:100%}}
.open{fill:var(--open);color:var(--open)}.filtered{fill:var(--filtered);color:var(--filtered)}
.closed{fill:var(--closed);color:var(--closed)}.unreachable{fill:var(--unreachable);color:var(--unreachable)}
.error{fill:var(--error);color:var(--error)}.back{fill:var(--soft)}.most{fill:var(--closed);opacity:.5}
.others{margin:.6rem 0}
.tools{display:flex;flex-wrap:wrap;gap:.5rem;align-items:center;margin:.4rem 0}
input{font:inherit;padding:.3rem .5rem;border:1px solid var(--line);border-radius:6px;background:var(--bg);color:var(--fg);min-width:0;width:20rem;max-width:100%}
table{border-collapse:collapse;width:100%;font-size:.9rem}th,td{text-align:left;padding:.25rem .5rem;border-bottom:1px solid var(--line);vertical-align:top}
td{overflow-wrap:anywhere}td:nth-child(-n+8):not(:nth-child(2)){white-space:nowrap}th button{all:unset;cursor:pointer;font-weight:600}th button:focus-visible{outline:2px solid var(--open)}
th[aria-sort=ascending] button::after{content:" \\2191"}th[aria-sort=descending] button::after{content:" \\2193"}
td.n{font-variant-numeric:tabular-nums}td.banner{font-family:ui-monospace,monospace;font-size:.8rem}
tr[hidden],.tools[hidden]{display:none}
@media print{.tools{display:none}table{font-size:.65rem}th,td{padding:.1rem .3rem}td.banner{font-size:.6rem}tr,svg{break-inside:avoid}}
`

/** Sorts and filters the table; without it the page has all there is, only still. */
export const pageScript = `
(() => {
  const table = document.querySelector('table.results')
  if (table === null) return
  const body = table.tBodies[0]
  const rows = [...body.rows]
  const filter = document.querySelector('#filter')
  const shown = document.querySelector('#shown')
  const words = rows.map((row) => row.textContent.toLowerCase())
  const apply = () => {
    const wanted = filter.value.toLowerCase().split(/\\s+/).filter(Boolean)
    let count = 0
    rows.forEach((row, index) => {
      row.hidden = !wanted.every((word) => words[index].includes(word))
      if (!row.hidden) count++
    })
    shown.textContent = count + ' of ' + rows.length
  }
  filter.addEventListener('input', apply)
  const keyOf = (row, column) => row.cells[column].dataset.key ?? row.cells[column].textContent
  for (const [column, head] of [...table.tHead.rows[0].cells].entries()) {
    head.querySelector('button').addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending'
      for (const other of table.tHead.rows[0].cells) other.removeAttribute('aria-sort')
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending')
      const numeric = head.dataset.kind === 'number'
      const compare = (a, b) => (numeric ? Number(a) - Number(b) : a < b ? -1 : a > b ? 1 : 0)
      const order = rows.map((row) => [keyOf(row, column), row])
      order.sort((a, b) => (down ? compare(b[0], a[0]) : compare(a[0], b[0])))
      body.append(...order.map(([, row]) => row))
    })
  }
  document.querySelector('.tools').hidden = false
  apply()
})()
`
