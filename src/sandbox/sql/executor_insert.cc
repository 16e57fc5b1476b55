// INSERT and CREATE TABLE AS.
#include "sandbox/call.h"
#include "sandbox/sql/duckdb_type.h"
#include "sandbox/sql/executor.h"
#include "sandbox/sql/insert_run.h"
#include "sandbox/sql/insert_shape.h"

namespace mms::sandbox::sql {
namespace {

/// CHAR, VARCHAR and JSON are VARCHAR in DuckDB: what is known of them goes back to the columns. A
/// declared type that does not look like the column's is not believed.
Status KeepDeclaredTypes(const std::vector<OutputColumn>& declared,
                         std::vector<ResultColumn>* columns) {
  if (declared.size() != columns->size()) return OkStatus();
  for (size_t i = 0; i < declared.size(); ++i) {
    const auto& type = declared[i].type;
    auto& shown = (*columns)[i].type;
    if (!type || !shown) continue;
    TRY(auto as_shown, FromDuckDbType(DuckDbType(*type)));
    if (as_shown && as_shown->ToText() == shown->ToText()) shown = type;
  }
  return OkStatus();
}

}  // namespace

/// The query in DuckDB's words and its columns; `sources` keeps its tables.
Result<RowSource> Executor::Prepare(const Query& query, Session* session, Sources* sources,
                                    const SqlContext& context) {
  Translator translator([&](const Source& source, const Query& inner) -> Result<Relation> {
    TRY(Table table, FindTable(source.table, context));
    return sources->Add(table, source, inner);
  });
  TRY(std::string text, translator.ToDuckDb(query));
  TRY(auto columns, session->Describe(text));
  TRY_VOID(KeepDeclaredTypes(translator.outputs(), &columns));
  return RowSource{query, std::move(text), std::move(columns)};
}

Status Executor::StageRows(const Insert& insert, Session* session, InsertRun* run,
                           const SqlContext& context) {
  TRY(Targets targets, MakeTargets(run->table(), insert));
  Sources sources(Tools(), session, run->id());
  TRY(RowSource source, Prepare(insert.query, session, &sources, context));
  TRY(std::string text, ShapeRows(run->table(), targets, std::move(source)));
  return run->Stage(session, text, targets.fixed);
}

Status Executor::RunInsert(const Insert& insert, const SqlContext& context) {
  TRY(Table found, FindTable(insert.name, context));
  InsertRun run(Tools(), std::move(found));
  TRY(auto session, engine_->Begin(context.cancelled));
  TRY_VOID(StageRows(insert, session.get(), &run, context));
  return run.Commit(session.get(), insert.overwrite);
}

Status Executor::CreateAs(const CreateTable& create, Table table, const SqlContext& context) {
  TRY(auto session, engine_->Begin(context.cancelled));
  Sources sources(Tools(), session.get(), RandomHex(16));
  TRY(RowSource source, Prepare(*create.as, session.get(), &sources, context));
  for (const ResultColumn& output : source.columns) {
    Column column;
    column.name = LowerName(output.name);
    if (output.type) column.type = *output.type;
    table.columns.push_back(std::move(column));
  }
  TRY_VOID(CheckTable(table, IsExtendedScale(context)));
  InsertRun run(Tools(), std::move(table));
  Insert all;
  all.name = create.name;
  TRY(Targets targets, MakeTargets(run.table(), all));
  TRY(std::string text, ShapeRows(run.table(), targets, std::move(source)));
  TRY_VOID(run.Stage(session.get(), text, targets.fixed));
  return run.CommitAsTable(create.or_replace);
}

}  // namespace mms::sandbox::sql
