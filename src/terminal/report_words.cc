#include "terminal/report_words.h"

#include "terminal/text.h"

namespace mms::terminal {
namespace {

constexpr ReportWords kEnglish = {
    .language = "en",
    .title = "Migration report",
    .all_match = "Every table arrived whole: % of % match.",
    .rest_matches =
        "All that is told here arrived whole: % of % tables match. It is not all of the job.",
    .by_count = "Of these, % match by their count of rows alone: their values were not compared.",
    .some_match = "% of ^ tables match. What the others need stands below.",
    .no_tables = "No tables yet: plan or run first.",
    .left_out_tables =
        "Tables of the job that are not told here: %. Later jobs have taken over all of them "
        "(planned or copied them since, here or to another place), or none of their tasks has "
        "begun.",
    .source = "Source",
    .catalog = "catalog",
    .by_location = "tables by location: %",
    .target = "Target",
    .made = "Made",
    .tables = "Tables",
    .partitions = "Partitions",
    .files = "Files",
    .bytes = "Bytes",
    .rows_source = "Rows in log",
    .rows_copied = "Rows copied",
    .rows_target = "Rows in target",
    .verdicts = "Verdicts",
    .rows_by_table = "Rows copied by table",
    .bytes_by_table = "Source bytes by table",
    .largest = "The % largest of ^ tables.",
    .attention = "What does not match, and what to do",
    .to_know = "To know",
    .changes = "Not as at the source, as the policies allow",
    .last_run = "The last run",
    .all_tables = "All tables",
    .table = "Table",
    .version = "Version",
    .checksum = "Checksum",
    .compared_by = "Compared by",
    .verdict = "Verdict",
    .partition = "Partition",
    .difference = "Difference",
    .column = "Column",
    .change = "Change",
    .values = "Values",
    .left_out = "not copied (on_extra_column: ignore)",
    .more_reasons = "and % more",
    .more_partitions = "and % more partitions; mms report --format csv has them all",
    .legend =
        "? is a number that is not known, - one that does not apply. A table's verdict is the "
        "worst of its partitions. Checksums are order-free sums over typed values, taken once "
        "while the source was read and once from what the target gave back; their first "
        "digits are shown where every verdict was reached by them. A count compares rows alone; "
        "checksum_then_count is a verdict on values, counted again since.",
};

constexpr ReportWords kChinese = {
    .language = "zh-CN",
    .title = "迁移报告",
    .all_match = "所有表均完整到达：%/% 一致。",
    .rest_matches = "此处列出的内容均完整到达：%/% 张表一致；并非作业的全部内容。",
    .by_count = "其中 % 张表仅按行数一致，未比对数据内容。",
    .some_match = "^ 张表中有 % 张一致，其余表的处理办法见下文。",
    .no_tables = "尚无任何表，请先执行 plan 或 run。",
    .left_out_tables =
        "本作业另有 % 张表未列出：其内容已全部由后续作业接管（已重新规划或复制，或复制到别处），"
        "或其任务尚未开始。",
    .source = "源端",
    .catalog = "目录",
    .by_location = "按位置指定的表：%",
    .target = "目标端",
    .made = "生成时间",
    .tables = "表",
    .partitions = "分区",
    .files = "文件数",
    .bytes = "字节数",
    .rows_source = "日志行数",
    .rows_copied = "已复制行数",
    .rows_target = "目标行数",
    .verdicts = "校验结论",
    .rows_by_table = "各表已复制行数",
    .bytes_by_table = "各表源数据量",
    .largest = "共 ^ 张表，图中为最大的 % 张。",
    .attention = "不一致的内容及处理办法",
    .to_know = "须知",
    .changes = "按策略允许与源端不同的内容",
    .last_run = "最近一次运行",
    .all_tables = "全部表",
    .table = "表",
    .version = "版本",
    .checksum = "校验和",
    .compared_by = "校验方式",
    .verdict = "结论",
    .partition = "分区",
    .difference = "差异",
    .column = "列",
    .change = "变更",
    .values = "值的个数",
    .left_out = "未复制（on_extra_column: ignore）",
    .more_reasons = "另有 % 条",
    .more_partitions = "另有 % 个分区，完整清单见 mms report --format csv",
    .legend =
        "? 表示数值未知，- 表示不适用。表的结论取其分区中最差者。校验和是对带类型的值求得的与"
        "顺序无关的和：读取源端时计算一次，从目标端读回后再计算一次；仅当所有结论均由其得出时显示"
        "前几位。count 只比对行数；checksum_then_count 表示结论来自校验和，之后又核对过行数。",
};

const char* Chinese(Outcome outcome) {
  switch (outcome) {
    case Outcome::kMatch: return "一致";
    case Outcome::kNotCompared: return "未校验";
    case Outcome::kExtra: return "目标多出";
    case Outcome::kNotComparable: return "无法校验";
    case Outcome::kPending: return "待处理";
    case Outcome::kRefused: return "已拒绝";
    case Outcome::kFailed: return "失败";
    case Outcome::kMissing: return "目标缺失";
    case Outcome::kMismatch: return "不一致";
  }
  return "";
}

}  // namespace

const ReportWords& WordsOf(std::string_view language) {
  return language == "zh_CN" ? kChinese : kEnglish;
}

std::string OutcomeWord(Outcome outcome, const ReportWords& words) {
  return &words == &kChinese ? Chinese(outcome) : std::string(OutcomeName(outcome));
}

std::string Filled(const char* text, int64_t first, int64_t second) {
  std::string out;
  for (const char c : std::string_view(text)) {
    if (c == '%') {
      out += Thousands(first);
    } else if (c == '^') {
      out += Thousands(second);
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace mms::terminal
