#include "migration/workflow/check_rights.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

namespace mms::migration {
namespace {

using databricks::Grant;
using databricks::Grants;
using databricks::Securable;
using databricks::SecurableKind;

constexpr size_t kNamedMax = 3;  ///< objects named in a message
constexpr size_t kTablesMax =
    50;  ///< tables whose own grants are asked for; the list judges others

/// What is known of one right on one object.
struct Verdict {
  enum class State { kHeld, kMissing, kUnknown } state = State::kUnknown;
  std::string why;
};

std::string Spelt(std::string_view privilege) {
  std::string text(privilege);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

std::string NameOf(const Securable& securable) {
  return std::string(SecurableName(securable.kind)) + " " + securable.full_name;
}

class Rights {
 public:
  explicit Rights(const RightsQuestion& question)
      : question_(question), names_(question.identity.Names()) {
    for (const ListedTable& table : question.tables) {
      tables_[table.schema].push_back(&table);
    }
  }

  Result<Finding> Find(std::string_view privilege) {
    Tally tally;
    TRY_VOID(Judge(privilege, &tally));
    return Told(privilege, tally);
  }

 private:
  /// Objects by what is known of the right on them.
  struct Tally {
    std::vector<std::pair<Securable, std::string>> held;  ///< and why
    std::vector<Securable> missing;
    std::vector<Securable> unknown;

    void Add(const Securable& securable, Verdict verdict) {
      switch (verdict.state) {
        case Verdict::State::kHeld: held.emplace_back(securable, std::move(verdict.why)); return;
        case Verdict::State::kMissing: missing.push_back(securable); return;
        case Verdict::State::kUnknown: unknown.push_back(securable); return;
      }
    }
  };

  Securable Catalog() const { return {SecurableKind::kCatalog, question_.catalog}; }
  Securable Schema(const std::string& schema) const {
    return {SecurableKind::kSchema, question_.catalog + "." + schema};
  }
  Securable Table(const ListedTable& table) const {
    return {SecurableKind::kTable, question_.catalog + "." + table.schema + "." + table.name};
  }

  /// Schemas that have a chosen table; all wanted ones when no table can be seen.
  std::vector<std::string> Schemas() const {
    std::vector<std::string> schemas;
    for (const auto& [schema, owner] : question_.schema_owners) {
      if (tables_.empty() || tables_.contains(schema)) schemas.push_back(schema);
    }
    return schemas;
  }

  bool Owns(const std::string& owner) const {
    return !owner.empty() && std::find(names_.begin(), names_.end(), owner) != names_.end();
  }

  Result<const Grants*> GrantsOn(const Securable& securable) {
    const auto known = grants_.find(securable.full_name);
    if (known != grants_.end()) return &known->second;
    TRY(Grants grants, question_.fetch_grants(securable));
    return &grants_.emplace(securable.full_name, std::move(grants)).first->second;
  }

  /// By ownership and grants of the object; those above it have been looked at before.
  Result<Verdict> OnObject(std::string_view privilege, const Securable& securable,
                           const std::string& owner) {
    if (Owns(owner)) return Verdict{Verdict::State::kHeld, "owner of " + NameOf(securable)};
    TRY(const Grants* grants, GrantsOn(securable));
    if (const auto grant = FindGrant(*grants, names_, privilege)) {
      std::string why = "granted to " + grant->principal;
      if (!grant->from.empty()) why += " on " + grant->from;
      return Verdict{Verdict::State::kHeld, std::move(why)};
    }
    const bool all_told = grants->told && grants->effective;
    return Verdict{all_told ? Verdict::State::kMissing : Verdict::State::kUnknown, ""};
  }

  Status Judge(std::string_view privilege, Tally* tally) {
    TRY(Verdict catalog, OnObject(privilege, Catalog(), question_.catalog_owner));
    const bool held = catalog.state == Verdict::State::kHeld;
    if (held || privilege == "USE_CATALOG" || privilege == "BROWSE") {
      if (!held && privilege == "USE_CATALOG") TRY_VOID(ByReading(nullptr, &catalog));
      tally->Add(Catalog(), std::move(catalog));
      return OkStatus();
    }
    const std::vector<std::string> schemas = Schemas();
    for (const std::string& schema : schemas) TRY_VOID(JudgeSchema(privilege, schema, tally));
    if (schemas.empty()) tally->Add(Catalog(), std::move(catalog));
    return OkStatus();
  }

  Status JudgeSchema(std::string_view privilege, const std::string& schema, Tally* tally) {
    const auto owner = question_.schema_owners.find(schema);
    TRY(Verdict verdict, OnObject(privilege, Schema(schema),
                                  owner == question_.schema_owners.end() ? "" : owner->second));
    const auto tables = tables_.find(schema);
    const bool here =
        verdict.state == Verdict::State::kHeld || tables == tables_.end() || privilege == "EXECUTE";
    if (here || privilege == "USE_SCHEMA") {
      if (!here) TRY_VOID(ByReading(tables->second.front(), &verdict));
      tally->Add(Schema(schema), std::move(verdict));
      return OkStatus();
    }
    for (const ListedTable* table : tables->second) {
      TRY(Verdict own, JudgeTable(privilege, *table));
      tally->Add(Table(*table), std::move(own));
    }
    return OkStatus();
  }

  Result<Verdict> JudgeTable(std::string_view privilege, const ListedTable& table) {
    if (tables_asked_ >= kTablesMax && !grants_.contains(Table(table).full_name)) {
      // Many tables would cost many calls; the list marks those that can only be browsed.
      if (table.browse_only) return Verdict{};
      return Verdict{Verdict::State::kHeld, "the list shows more of the table than BROWSE does"};
    }
    ++tables_asked_;
    TRY(Verdict verdict, OnObject(privilege, Table(table), table.owner));
    if (verdict.state == Verdict::State::kUnknown) TRY_VOID(ByReading(&table, &verdict));
    return verdict;
  }

  /// Where the server does not tell, reading a table shows that the rights to do so are there.
  Status ByReading(const ListedTable* table, Verdict* verdict) {
    if (verdict->state != Verdict::State::kUnknown) return OkStatus();
    if (table == nullptr && !question_.tables.empty()) table = &question_.tables.front();
    if (table == nullptr) return OkStatus();
    const std::string name = Table(*table).full_name;
    if (!read_.contains(name)) {
      TRY(read_[name], question_.read_table(*table));
    }
    // A refused read does not tell which of the rights it needs is missing.
    if (read_[name]) *verdict = {Verdict::State::kHeld, "table " + name + " could be read"};
    return OkStatus();
  }

  std::string Statements(std::string_view privilege, const std::vector<Securable>& objects) const {
    std::string text;
    for (size_t i = 0; i < objects.size() && i < kNamedMax; ++i) {
      if (i > 0) text += " ";
      text += GrantStatement(privilege, objects[i], question_.identity.user);
    }
    if (objects.size() > kNamedMax) {
      text += fmt::format(" (and {} more)", objects.size() - kNamedMax);
    }
    return text;
  }

  static std::string Named(const std::vector<Securable>& objects) {
    std::string text;
    for (size_t i = 0; i < objects.size() && i < kNamedMax; ++i) {
      text += (i > 0 ? ", " : "") + NameOf(objects[i]);
    }
    if (objects.size() > kNamedMax) text += fmt::format(" and {} more", objects.size() - kNamedMax);
    return text;
  }

  Result<Finding> Told(std::string_view privilege, const Tally& tally) const {
    const bool needed = privilege != "BROWSE" && privilege != "EXECUTE";
    if (!tally.missing.empty() && !needed) {
      return Finding{fmt::format("{} is missing on {}; a migration does without it",
                                 Spelt(privilege), Named(tally.missing)),
                     "for MaxCompute Migration Service an owner gives it: " +
                         Statements(privilege, tally.missing),
                     CheckOutcome::kWarning};
    }
    if (!tally.missing.empty()) {
      const std::string remedy = Statements(privilege, tally.missing);
      return Error(ErrorKind::kDenied, "DATABRICKS_DENIED",
                   fmt::format("{} is missing on {}; an owner can give it: {}", Spelt(privilege),
                               Named(tally.missing), remedy));
    }
    if (!tally.unknown.empty()) {
      return Finding{"the server does not tell whether it is there on " + Named(tally.unknown),
                     "if it is not: " + Statements(privilege, tally.unknown),
                     CheckOutcome::kUnknown};
    }
    const auto& [first, why] = tally.held.front();
    std::string detail = fmt::format("on {}: {}", NameOf(first), why);
    if (tally.held.size() > 1) detail += fmt::format(", and on {} more", tally.held.size() - 1);
    return Finding{std::move(detail)};
  }

  const RightsQuestion& question_;
  const std::vector<std::string> names_;
  std::map<std::string, std::vector<const ListedTable*>> tables_;  ///< by schema
  std::map<std::string, Grants> grants_;                           ///< by full name
  std::map<std::string, bool> read_;                               ///< by full name
  size_t tables_asked_ = 0;
};

}  // namespace

void CheckRights(const RightsQuestion& question, CheckSteps& steps) {
  Rights rights(question);
  for (const std::string_view privilege :
       {"USE_CATALOG", "USE_SCHEMA", "SELECT", "BROWSE", "EXECUTE"}) {
    steps.Take("Right " + Spelt(privilege), "", [&] { return rights.Find(privilege); });
  }
}

}  // namespace mms::migration
