#include "sandbox/sql/rights.h"

#include "sandbox/sql/change_rows.h"
#include "sandbox/sql/query_walk.h"

namespace mms::sandbox::sql {
namespace {

/// One overload for each kind of statement: a new kind does not compile without its rights.
class RightsCheck {
 public:
  explicit RightsCheck(const SqlContext& context) : context_(context) {}

  Status operator()(const CreateTable& create) const {
    if (create.like) TRY_VOID(OnTable(Right::kDescribe, *create.like));
    if (create.as) TRY_VOID((*this)(*create.as));
    if (create.or_replace) TRY_VOID(OnTable(Right::kDrop, create.name));
    TRY(TableName name, ResolveName(create.name, context_));
    return OnProject(Right::kCreateTable, name.project);
  }
  Status operator()(const DropTable& drop) const { return OnTable(Right::kDrop, drop.name); }
  Status operator()(const AddPartitions& add) const { return OnTable(Right::kAlter, add.name); }
  Status operator()(const DropPartitions& drop) const { return OnTable(Right::kAlter, drop.name); }
  Status operator()(const Truncate& truncate) const {
    return OnTable(Right::kUpdate, truncate.name);
  }
  Status operator()(const AlterTable& alter) const { return OnTable(Right::kAlter, alter.name); }
  Status operator()(const ShowTables&) const { return OnProject(Right::kList, context_.project); }
  Status operator()(const ShowSchemas&) const { return OnProject(Right::kList, context_.project); }
  Status operator()(const ShowPartitions& show) const {
    return OnTable(Right::kDescribe, show.name);
  }
  Status operator()(const ShowCreateTable& show) const {
    return OnTable(Right::kDescribe, show.name);
  }
  Status operator()(const Describe& describe) const {
    return OnTable(Right::kDescribe, describe.name);
  }
  Status operator()(const SetFlag&) const { return OkStatus(); }
  Status operator()(const CreateSchema& create) const {
    return OnSchema(Right::kCreateTable, create.name);
  }
  Status operator()(const DropSchema& drop) const { return OnSchema(Right::kDrop, drop.name); }

  Status operator()(const Insert& insert) const {
    TRY_VOID(OnTable(Right::kUpdate, insert.name));
    return (*this)(insert.query);
  }

  Status operator()(const ChangeRows& change) const {
    TRY_VOID(OnTable(Right::kUpdate, change.name));
    TRY_VOID(OnTable(Right::kSelect, change.name));
    return (*this)(ReadBy(change));
  }
  Status operator()(const Explain& explain) const {
    if (explain.into) TRY_VOID(OnTable(Right::kUpdate, *explain.into));
    return (*this)(explain.query);
  }

  Status operator()(const Query& query) const {
    for (const QualifiedName& table : TablesOf(query)) {
      TRY_VOID(OnTable(Right::kSelect, table));
    }
    return OkStatus();
  }

 private:
  Status OnProject(Right right, const std::string& project) const {
    return CheckSqlRight(*context_.user, right, project, "projects/" + project);
  }

  /// "s" or "project.s".
  Status OnSchema(Right right, const QualifiedName& name) const {
    return OnProject(right, name.parts.size() > 1 ? name.parts[0] : context_.project);
  }

  Status OnTable(Right right, const QualifiedName& name) const {
    TRY(TableName table, ResolveName(name, context_));
    std::string object = "projects/" + table.project;
    if (table.schema != "default") object += "/schemas/" + table.schema;
    return CheckSqlRight(*context_.user, right, table.project, object + "/tables/" + table.table);
  }

  const SqlContext& context_;
};

}  // namespace

Status CheckStatement(const Statement& statement, const SqlContext& context) {
  return std::visit(RightsCheck(context), statement);
}

}  // namespace mms::sandbox::sql
