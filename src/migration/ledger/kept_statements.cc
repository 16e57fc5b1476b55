#include "migration/ledger/kept_statements.h"

#include <list>
#include <string>
#include <unordered_map>
#include <utility>

namespace mms::migration {
namespace {

using sqlite_api::sqlite3_stmt;

/// Statements that no call uses, the last used first.
class KeptStatements {
 public:
  ~KeptStatements() {
    for (const Kept& kept : by_use_) sqlite_api::sqlite3_finalize(kept.statement);
  }

  /// The caller's from now on; nullptr if none of this text is kept.
  sqlite3_stmt* Take(const std::string& query) {
    const auto found = by_query_.find(query);
    if (found == by_query_.end()) return nullptr;
    sqlite3_stmt* statement = found->second->statement;
    by_use_.erase(found->second);
    by_query_.erase(found);
    return statement;
  }

  void Keep(std::string query, sqlite3_stmt* statement) {
    // Its call has told of its error already: this is that error again. It must not go on reading,
    // or the connection stays at the state it reads (sqlite.org/isolation.html).
    sqlite_api::sqlite3_reset(statement);
    sqlite_api::sqlite3_clear_bindings(statement);
    by_use_.push_front({std::move(query), statement});
    by_query_.emplace(by_use_.front().query, by_use_.begin());
    if (by_use_.size() > kKeptStatementsMax) DropLast();
  }

 private:
  struct Kept {
    std::string query;
    sqlite3_stmt* statement;
  };

  void DropLast() {
    const auto last = std::prev(by_use_.end());
    const auto [begin, end] = by_query_.equal_range(last->query);
    for (auto entry = begin; entry != end; ++entry) {
      if (entry->second != last) continue;
      by_query_.erase(entry);
      break;
    }
    sqlite_api::sqlite3_finalize(last->statement);
    by_use_.pop_back();
  }

  std::list<Kept> by_use_;
  std::unordered_multimap<std::string, std::list<Kept>::iterator> by_query_;
};

class KeptStatement : public soci::sqlite3_statement_backend {
 public:
  KeptStatement(soci::sqlite3_session_backend& session, KeptStatements& kept)
      : sqlite3_statement_backend(session), kept_(kept) {}

  void prepare(const std::string& query, soci::details::statement_type /*type*/) override {
    clean_up();
    stmt_ = kept_.Take(query);
    if (stmt_ == nullptr && sqlite_api::sqlite3_prepare_v3(
                                session_.conn_, query.c_str(), static_cast<int>(query.size()),
                                SQLITE_PREPARE_PERSISTENT, &stmt_, nullptr) != SQLITE_OK) {
      throw soci::sqlite3_soci_error(sqlite_api::sqlite3_errmsg(session_.conn_),
                                     sqlite_api::sqlite3_extended_errcode(session_.conn_));
    }
    query_ = query;
    databaseReady_ = true;
  }
  void clean_up() override {
    if (stmt_ != nullptr) kept_.Keep(std::move(query_), std::exchange(stmt_, nullptr));
    sqlite3_statement_backend::clean_up();
  }

 private:
  KeptStatements& kept_;
  std::string query_;
};

class KeepingSession : public soci::sqlite3_session_backend {
 public:
  using sqlite3_session_backend::sqlite3_session_backend;
  soci::sqlite3_statement_backend* make_statement_backend() override {
    return new KeptStatement(*this, kept_);
  }

 private:
  // Ended before the connection is: one with statements left does not close
  // (sqlite.org/c3ref/close.html).
  KeptStatements kept_;
};

struct KeepingFactory : soci::backend_factory {
  soci::details::session_backend* make_session(
      const soci::connection_parameters& parameters) const override {
    return new KeepingSession(parameters);
  }
};

}  // namespace

const soci::backend_factory& SqliteWithKeptStatements() {
  static const KeepingFactory factory;
  return factory;
}

}  // namespace mms::migration
