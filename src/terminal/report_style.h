// The style of the HTML report: light and dark by what the reader's system prefers, and for paper.
#pragma once

namespace mms::terminal {

inline constexpr const char* kReportStyle = R"css(
:root{color-scheme:light dark;--bg:#fff;--fg:#1f2328;--dim:#59636e;--line:#d1d9e0;--soft:#f6f8fa;
--match:#1a7f37;--mismatch:#cf222e;--missing:#bc4c00;--failed:#8250df;--refused:#59636e;
--pending:#9a6700;--notcompared:#0969da}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--dim:#9198a1;--line:#3d444d;
--soft:#161b22;--match:#3fb950;--mismatch:#ff7b72;--missing:#f0883e;--failed:#bc8cff;
--refused:#9198a1;--pending:#d29922;--notcompared:#58a6ff}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);
font:15px/1.5 system-ui,-apple-system,"Segoe UI","Noto Sans","Noto Sans CJK SC","PingFang SC",
"Microsoft YaHei",sans-serif}
main{max-width:1320px;margin:0 auto;padding:28px 24px 60px}
h1{font-size:26px;margin:0 0 4px}
h2{font-size:18px;margin:36px 0 12px;padding-top:12px;border-top:1px solid var(--line)}
h3{font-size:15px;margin:22px 0 6px;overflow-wrap:anywhere}
.facts{color:var(--dim);margin:0;padding:0;list-style:none}
.facts b{color:var(--fg);font-weight:600;overflow-wrap:anywhere}
.lead{font-size:18px;margin:18px 0;padding:10px 14px;border-left:4px solid;background:var(--soft)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px;margin:0}
.cards div{border:1px solid var(--line);border-radius:6px;padding:10px 14px}
.cards dt{color:var(--dim);font-size:13px}
.cards dd{margin:0;font-size:21px;font-variant-numeric:tabular-nums}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(460px,100%),1fr));gap:0 44px}
svg{display:block;width:100%;height:auto}
svg text{fill:var(--fg);font-size:13px}
svg .label{text-anchor:end}
svg .value{fill:var(--dim)}
.legend{display:flex;flex-wrap:wrap;gap:6px 22px;list-style:none;margin:10px 0 0;padding:0}
.legend i{display:inline-block;width:12px;height:12px;border-radius:2px;margin-right:7px}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{padding:5px 6px;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;
unicode-bidi:isolate}
th{color:var(--dim);font-weight:600;white-space:nowrap}
td.t{overflow-wrap:anywhere;min-width:7em}
td.p{overflow-wrap:anywhere;min-width:14em}
th.n,td.n{text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
td.c{font-family:ui-monospace,"DejaVu Sans Mono",monospace;font-size:12px}
.more,.note{color:var(--dim)}
.reasons{margin:4px 0 8px;padding-left:20px;overflow-wrap:anywhere}
.v{font-weight:600;white-space:nowrap}
.v-Match{--c:var(--match)}.v-Mismatch{--c:var(--mismatch)}.v-MissingInTarget{--c:var(--missing)}
.v-Failed{--c:var(--failed)}.v-Refused{--c:var(--refused)}.v-Pending{--c:var(--pending)}
.v-NotCompared{--c:var(--notcompared)}.v-ExtraInTarget{--c:var(--pending)}
.v-NotComparable{--c:var(--pending)}
i{background:var(--c)}rect{fill:var(--c)}.v{color:var(--c)}.lead{border-color:var(--c)}
@media print{main{max-width:none;padding:0}h2{break-after:avoid}tr{break-inside:avoid}
i,rect{print-color-adjust:exact;-webkit-print-color-adjust:exact}}
)css";

}  // namespace mms::terminal
