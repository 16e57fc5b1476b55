// EXPLAIN: the steps of a query in the order they are taken, in the form of MaxCompute's plans with
// one task, as plain text. The query is checked as if it were to run.
#include <algorithm>

#include "sandbox/sql/executor.h"
#include "sandbox/sql/query_walk.h"

namespace mms::sandbox::sql {
namespace {

class PlanText {
 public:
  explicit PlanText(const SqlContext& context) : context_(context) {}

  Status Add(const Query& query, int depth) {
    for (const auto& [name, inner] : query.with) {
      Line(depth, "WITH: " + name);
      TRY_VOID(Add(*inner, depth + 1));
      common_.push_back(name);
    }
    if (!query.values.empty()) {
      Line(depth, "VALUES: " + std::to_string(query.values.size()) + " rows");
    }
    for (const Source& source : query.sources) TRY_VOID(AddSource(source, depth));
    if (query.where) Line(depth, "FIL: WHERE");
    if (!query.group_by.empty()) {
      Line(depth, "AGGREGATE: by " + std::to_string(query.group_by.size()) + " keys");
    }
    if (query.having) Line(depth, "FIL: HAVING");
    if (query.values.empty()) {
      std::string distinct = query.distinct ? "DISTINCT " : "";
      Line(depth, "SEL: " + distinct + std::to_string(query.items.size()) + " expressions");
    }
    if (query.set_right) {
      Line(depth, query.set_operation);
      return Add(*query.set_right, depth);
    }
    if (!query.order_by.empty()) {
      Line(depth, "SORT: by " + std::to_string(query.order_by.size()) + " keys");
    }
    if (query.limit) Line(depth, "LIM: " + *query.limit);
    return OkStatus();
  }

  void Line(int depth, const std::string& text) {
    text_ += std::string(static_cast<size_t>(4 * depth), ' ') + text + "\n";
  }
  const std::string& text() const { return text_; }

 private:
  Status AddSource(const Source& source, int depth) {
    std::string join = source.join.empty() ? "" : source.join + " ";
    if (source.explode) {
      Line(depth, join + "LATERAL VIEW: " + source.alias);
      return OkStatus();
    }
    if (source.query) {
      Line(depth, join + "SUBQUERY: " + source.alias);
      return Add(*source.query, depth + 1);
    }
    const std::string& last = source.table.parts.back();
    bool common = source.table.parts.size() == 1 &&
                  std::find(common_.begin(), common_.end(), last) != common_.end();
    if (common) {
      Line(depth, join + "CTE: " + last);
      return OkStatus();
    }
    TRY(TableName name, ResolveName(source.table, context_));
    Line(depth, join + "TS: " + name.ToText());
    return OkStatus();
  }

  const SqlContext& context_;
  std::string text_;
  std::vector<std::string> common_;
};

}  // namespace

Result<SqlOutcome> Executor::RunExplain(const Explain& explain, const SqlContext& context) {
  std::string output = "Screen";
  if (explain.into) {
    TRY(Table table, FindTable(*explain.into, context));
    output = table.name.ToText();
  }
  TRY(auto session, engine_->Begin(context.cancelled));
  Sources sources(Tools(), session.get(), context.instance_id);
  TRY(RowSource rows, Prepare(explain.query, session.get(), &sources, context));
  PlanText plan(context);
  plan.Line(0, "job0 is root job\n\nIn Job job0:\nroot Tasks: M1\n\nIn Task M1:");
  for (const QualifiedName& table : TablesOf(explain.query)) {
    TRY(TableName name, ResolveName(table, context));
    plan.Line(1, "Data source: " + name.ToText());
  }
  TRY_VOID(plan.Add(explain.query, 1));
  plan.Line(1, "FS: output: " + output);
  plan.Line(2, "schema:");
  for (const ResultColumn& column : rows.columns) {
    std::string type = column.type ? column.type->ToText() : "void";
    plan.Line(3, column.name + " (" + type + ")");
  }
  SqlOutcome outcome;
  outcome.text = plan.text();
  return outcome;
}

}  // namespace mms::sandbox::sql
