// The look of the HTML page, and the few lines of script that it can do without.

/** Light and dark by the reader's choice; paper is light. */
export const pageStyle = `
:root{color-scheme:light dark;--ink:#1f2328;--faint:#5c656f;--page:#fff;--card:#f6f8fa;--line:#d4dae0;--link:#0759b8;
--good:#116329;--good-page:#dcf5e2;--bad:#a40e26;--bad-page:#fde4e2;--warn:#744500;--warn-page:#fff1c9;--best:#e3f0ff}
@media screen and (prefers-color-scheme:dark){:root{--ink:#e6edf3;--faint:#9aa5b1;--page:#0d1117;--card:#161b22;--line:#30363d;
--link:#79b8ff;--good:#7ee08f;--good-page:#12301a;--bad:#ff9a90;--bad-page:#3b1518;--warn:#f0c560;--warn-page:#352808;--best:#12294a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1.5rem 1.25rem 4rem;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif}
h1{font-size:1.55rem;line-height:1.25;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2.4rem 0 .7rem;padding-bottom:.25rem;border-bottom:1px solid var(--line)}
h3{font-size:1rem;margin:1.5rem 0 .4rem}p{margin:.4rem 0}
a{color:var(--link);text-decoration-thickness:1px;text-underline-offset:2px}
a:focus-visible,summary:focus-visible,button:focus-visible,.wide:focus-visible{outline:2px solid var(--link);outline-offset:2px;border-radius:3px}
.faint,caption,figcaption{color:var(--faint)}.small{font-size:.87rem}
.skip{position:absolute;left:-999px}.skip:focus{left:1rem;top:.5rem;background:var(--page);padding:.3rem .6rem}
nav ul{display:flex;flex-wrap:wrap;gap:.2rem 1.1rem;list-style:none;padding:0;margin:.8rem 0 0}
.wide{overflow-x:auto;position:relative}
table{border-collapse:collapse;font-variant-numeric:tabular-nums}caption{text-align:left;padding-bottom:.5rem;caption-side:top}
th,td{padding:.3rem .7rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:baseline}
thead th{border-bottom:2px solid var(--line);font-weight:600}tbody th{font-weight:500;white-space:nowrap}tbody th.long{white-space:normal;min-width:18em}thead th.over{text-align:center}
.num{text-align:right;white-space:nowrap}tbody tr:hover{background:var(--card)}
td.best{background:var(--best);font-weight:650}td.best > a::before{content:"★ ";font-size:.75em;font-weight:400}td a{color:inherit;text-decoration-style:dotted}
.again{color:var(--faint);opacity:.55}.paper{color:var(--faint);font-weight:400}.pm{font-size:.85em;font-weight:400}
sup{line-height:0;font-size:.75em}sup a{text-decoration:none;color:var(--link)}
.hidden{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap}
.badge{display:inline-block;min-width:8.2em;text-align:center;border-radius:1em;padding:0 .6em;font-size:.82rem;font-weight:600}
.holds{color:var(--good);background:var(--good-page)}.fails{color:var(--bad);background:var(--bad-page)}.open,.noise{color:var(--warn);background:var(--warn-page)}
ul.claims{list-style:none;padding:0;margin:0}ul.claims>li{margin:.7rem 0}ul.claims ul{list-style:none;padding:0 0 0 .2rem}
ul.claims ul>li,.case{display:flex;gap:.7rem;margin:.25rem 0;align-items:baseline;flex-wrap:wrap}.case>span:last-child,ul.claims ul span:last-child{flex:1 1 18rem}
ul.warnings{list-style:none;padding:0;margin:0}ul.warnings>li{margin:.35rem 0;padding:.3rem .7rem;border-left:3px solid var(--warn);background:var(--warn-page);overflow-wrap:anywhere}
figure{margin:1rem 0}figure svg{max-width:100%;height:auto;border:1px solid var(--line);border-radius:6px}figcaption{margin-top:.35rem;max-width:46rem}
details{border:1px solid var(--line);border-radius:6px;margin:.35rem 0;background:var(--page)}
summary{cursor:pointer;padding:.35rem .7rem;background:var(--card);border-radius:6px}details[open]>summary{border-radius:6px 6px 0 0;border-bottom:1px solid var(--line)}
.inside{padding:.5rem .8rem .7rem}:target{outline:2px solid var(--link);outline-offset:2px;border-radius:4px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.2rem 0}dt{color:var(--faint)}dd{margin:0;overflow-wrap:anywhere}
code{font:.87em ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
.hex{display:inline-block;max-width:13ch;overflow:hidden;text-overflow:ellipsis;white-space:nowrap;vertical-align:bottom}.hex:hover,.hex:focus{max-width:none;white-space:normal;overflow-wrap:anywhere}
button{font:inherit;font-size:.87rem;color:var(--ink);background:var(--card);border:1px solid var(--line);border-radius:5px;padding:.15rem .6rem;cursor:pointer}
th button{border:0;background:none;padding:0;font-weight:inherit;font-size:inherit}
@media print{body{max-width:none;padding:0;font-size:10.5pt}nav,.skip,button{display:none}h2{break-after:avoid}figure,tr,.case{break-inside:avoid}a{color:inherit;text-decoration:none}th button{display:inline}}
`;

/** Opens what a link points into, opens or closes all details, sorts the tables of class `sortable`. */
export const pageScript = `
'use strict';
const reveal=()=>{const at=document.getElementById(decodeURIComponent(location.hash.slice(1)));if(!at)return;
for(let up=at;up;up=up.parentElement)if(up.tagName==='DETAILS')up.open=true;at.scrollIntoView()};
addEventListener('hashchange',reveal);reveal();
for(const place of document.querySelectorAll('.open-all')){const button=document.createElement('button');button.type='button';
let open=false;const label=()=>{button.textContent=open?'close all':'open all'};label();
button.addEventListener('click',()=>{open=!open;label();for(const each of place.parentElement.querySelectorAll('details'))each.open=open});place.append(button)}
for(const table of document.querySelectorAll('table.sortable'))table.querySelectorAll('thead th').forEach((th,column)=>{
const button=document.createElement('button');button.type='button';button.textContent=th.textContent;th.replaceChildren(button);let up=false;
const value=(row)=>{const cell=row.cells[column];return cell.dataset.value??cell.textContent};
button.addEventListener('click',()=>{up=!up;for(const other of table.querySelectorAll('thead th'))other.removeAttribute('aria-sort');
th.setAttribute('aria-sort',up?'ascending':'descending');const rows=[...table.tBodies[0].rows];
rows.sort((a,b)=>(up?1:-1)*String(value(a)).localeCompare(String(value(b)),'en',{numeric:true}));table.tBodies[0].append(...rows)})});
`;
