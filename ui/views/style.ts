// What the page adds to the look of lamina's HTML: bars of fields, cards, charts and maps, on phones and wide screens.

export const uiStyle = `
body{max-width:104rem;padding:0}
header.top{display:flex;flex-wrap:wrap;gap:.3rem 1.2rem;align-items:baseline;padding:.6rem 1.25rem;border-bottom:1px solid var(--line);background:var(--card)}
header.top strong{font-size:1.05rem}header.top nav ul{margin:0;gap:.2rem .9rem}header.top nav a[aria-current]{font-weight:700;text-decoration:none;color:var(--ink)}
header.top .end{margin-left:auto}main{padding:1rem 1.25rem 4rem}main[aria-busy]{opacity:.75}
body>.alone,body>footer{padding:1rem 1.25rem}.alone main{padding:0}main h1{overflow-wrap:anywhere}h2,h3{overflow-wrap:anywhere}
.bar,.boxes{display:flex;flex-wrap:wrap;gap:.5rem .9rem;align-items:center;margin:.6rem 0}.boxes{font-size:.9rem}
label{display:inline-flex;gap:.35rem;align-items:center;max-width:100%}
input,select,textarea{font:inherit;font-size:.93rem;color:var(--ink);background:var(--page);border:1px solid var(--line);border-radius:5px;padding:.2rem .4rem;max-width:100%;min-width:0}
input[type=checkbox]{width:1.05em;height:1.05em;margin:0}
input:focus-visible,select:focus-visible,textarea:focus-visible,pre:focus-visible{outline:2px solid var(--link);outline-offset:1px}
button:disabled{opacity:.5;cursor:default}
table.runs td,table.runs th,table.small td,table.small th{padding:.2rem .55rem}table.runs td{white-space:nowrap}td.long{white-space:normal!important;min-width:12em;overflow-wrap:anywhere}
table.runs td:has(>input){padding-right:.1rem}thead th a{color:inherit;text-decoration:none}thead th a:hover{text-decoration:underline}
table.runs .badge{min-width:0}.good{color:var(--good)}.bad{color:var(--bad)}.warn{color:var(--warn)}
ul.remarks,ul.choices{list-style:none;padding:0;margin:.4rem 0}ul.choices{columns:22rem auto;overflow-wrap:anywhere}ul.choices li{margin:.15rem 0}
ul.remarks li{color:var(--faint);overflow-wrap:anywhere}ul.warnings li{white-space:pre-wrap}
.card{border:1px solid var(--line);border-radius:8px;padding:.2rem .9rem .8rem;margin:1rem 0;background:var(--card);overflow-x:auto}.card h2{margin-top:.7rem}
.command{display:flex;gap:.6rem;align-items:start;margin:.4rem 0}.command code{overflow-wrap:anywhere;background:var(--card);border:1px solid var(--line);border-radius:5px;padding:.25rem .5rem;min-width:0}
.elsewhere a{margin-right:.7rem}.pages{margin:.8rem 0}.pages a{margin:0 .3rem}
ol.chain{padding-left:1.4rem}ol.chain .place,.place{overflow-wrap:anywhere}.chain summary .place{float:right;color:var(--faint)}
pre.log{background:var(--card);border:1px solid var(--line);border-radius:6px;padding:.6rem .8rem;overflow:auto;max-height:70vh;font:.83rem/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
progress,meter{width:min(22rem,100%);height:.8rem}td progress,td meter{width:8rem}
.side{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,26rem),1fr));gap:0 2rem}
.maps{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,24rem),1fr));gap:0 1rem}
figure .wide svg{max-width:none}figure [data-fit] svg{max-width:100%}
.layer-map{font:11px system-ui,sans-serif;fill:var(--ink);border:0!important}.layer-map .stored{fill:var(--page);stroke:var(--ink)}.layer-map .target{fill:var(--best);stroke:var(--link);stroke-dasharray:3 2}
.layer-map .arc{stroke:var(--link);stroke-width:1.4}.layer-map .arc.bad{stroke:var(--bad);stroke-width:2}.layer-map .bar{fill:var(--link);opacity:.65;display:inline}.layer-map .bar.bad{fill:var(--bad);opacity:.9}
dialog{color:var(--ink);background:var(--page);border:1px solid var(--line);border-radius:8px;width:min(34rem,94vw);padding:.4rem 1.2rem 1rem}dialog::backdrop{background:#0007}
dialog label{display:block;margin:.6rem 0}dialog input,dialog textarea{width:100%}dialog h2{overflow-wrap:anywhere;border:0;margin:.6rem 0}
#trouble{color:var(--bad);padding:0 1.25rem}#trouble:empty{display:none}
@media (max-width:40rem){main{padding:.7rem .8rem 3rem}header.top{padding:.5rem .8rem;gap:.2rem .8rem}h1{font-size:1.25rem}dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 .35rem}
label:has(input:not([type=checkbox])){flex:1 1 100%}.bar input:not([type=checkbox]){flex:1}.chain summary .place{float:none;display:block}}
@media print{header.top,dialog,#trouble{display:none}}
`;
