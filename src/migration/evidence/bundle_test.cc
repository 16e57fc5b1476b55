#include "migration/evidence/bundle.h"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "base/sha256.h"
#include "migration/evidence/bundle_check.h"
#include "migration/evidence/example_ledger.h"
#include "migration/evidence/tar.h"

namespace mms::migration {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;

/// A bundle of the example ledger, taken apart and put together again with damages.
class BundleTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = example_.folder() / "evidence.tar";
    const auto made = Make();
    ASSERT_TRUE(made) << made.error().ToString();
    key_fingerprint_ = made->key_fingerprint;
    files_ = ReadFiles();
  }

  Result<BundleSummary> Make() {
    TRY(const SigningKey key, SigningKey::Open(example_.folder() / "evidence.key"));
    return WriteBundle(example_.ledger(), Facts(), key, path_);
  }

  static EvidenceFacts Facts() {
    EvidenceFacts facts;
    facts.product_version = "1.2.3";
    facts.made_ms = 1'700'000'000'000;
    facts.workspace = "https://adb-1.azuredatabricks.net";
    facts.catalog = "main";
    facts.target.project = "dw";
    return facts;
  }

  Files ReadFiles() const {
    Files files;
    auto tar = TarReader::Open(path_);
    EXPECT_TRUE(tar);
    for (;;) {
      const auto entry = tar->Next();
      EXPECT_TRUE(entry) << entry.error().ToString();
      if (!*entry) return files;
      files.emplace_back((*entry)->name, "");
      for (;;) {
        const auto piece = tar->Read();
        if (piece->empty()) break;
        files.back().second += *piece;
      }
    }
  }

  void WriteFiles(const Files& files) {
    auto file = NewFile::Create(path_);
    ASSERT_TRUE(file);
    TarWriter tar(&*file);
    for (const auto& [name, content] : files) {
      ASSERT_TRUE(tar.Begin(name) && tar.Write(content) && tar.End());
    }
    ASSERT_TRUE(tar.Finish() && file->Commit());
  }

  std::string& Content(std::string_view name) {
    for (auto& [held, content] : files_) {
      if (held == name) return content;
    }
    ADD_FAILURE() << name;
    return files_.front().second;
  }

  /// Makes list and signature fit the files, by the key of `key_file`.
  void SignAgain(const std::string& key_file) {
    const auto key = SigningKey::Open(example_.folder() / key_file);
    ASSERT_TRUE(key);
    Content(kKeyFile) = key->PublicPem();
    std::string sums;
    for (const auto& [name, content] : files_) {
      if (name != kSumsFile && name != kSignatureFile) {
        sums += Sha256Of(content) + "  " + name + "\n";
      }
    }
    Content(kSumsFile) = sums;
    Content(kSignatureFile) = key->Sign(sums);
  }

  void ExpectFound(const char* code, std::string_view file) {
    WriteFiles(files_);
    const auto checked = CheckBundle(path_, "");
    ASSERT_FALSE(checked) << file;
    EXPECT_EQ(checked.error().code(), code) << checked.error().ToString();
    EXPECT_NE(checked.error().where().find("file " + std::string(file)), std::string::npos)
        << checked.error().ToString();
    EXPECT_NE(checked.error().where().find(path_), std::string::npos);
  }

  ExampleLedger example_{"bundle"};
  std::string path_;
  std::string key_fingerprint_;
  Files files_;
};

TEST_F(BundleTest, IsWholeAndSaysWhatTheLedgerSays) {
  const auto checked = CheckBundle(path_, key_fingerprint_);
  ASSERT_TRUE(checked) << checked.error().ToString();
  EXPECT_EQ(checked->key_fingerprint, key_fingerprint_);
  EXPECT_EQ(checked->manifest.dump(),
            "{\"format\":\"mms-evidence\",\"format_version\":1,\"job\":null,"
            "\"made_at\":\"2023-11-14T22:13:20Z\",\"product_version\":\"1.2.3\","
            "\"source\":{\"catalog\":\"main\",\"workspace\":\"https://adb-1.azuredatabricks.net\"},"
            "\"target\":\"project dw at mc.example.com\","
            "\"totals\":{\"bytes\":10500,\"files\":5,\"matches_by_method\":{\"checksum\":1},"
            "\"partitions\":5,"
            "\"partitions_by_verdict\":{\"Match\":1,\"Mismatch\":1,\"MissingInTarget\":1,"
            "\"Pending\":2},\"rows_copied\":60,\"rows_source\":105,\"rows_target\":null,"
            "\"tables\":3,\"tables_by_state\":{\"planned\":2,\"refused\":1}}}");
  EXPECT_EQ(checked->totals.tables(), 3);
  EXPECT_EQ(checked->totals.partitions(), 5);
  // A fingerprint is taken in any case of letters.
  std::string upper = key_fingerprint_;
  for (char& c : upper) c = static_cast<char>(std::toupper(c));
  EXPECT_TRUE(CheckBundle(path_, upper));
}

TEST_F(BundleTest, ALineHasOneFormAndEveryFigure) {
  std::istringstream lines(Content(kPartitionsFile));
  std::string line;
  ASSERT_TRUE(std::getline(lines, line));
  EXPECT_EQ(line,
            "{\"bytes\":1000,\"changes\":null,\"compared_by\":\"checksum\",\"difference\":null,"
            "\"error\":null,\"files\":1,"
            "\"fingerprint\":\"fds=0\",\"generation\":1,\"partition\":\"ds=0\",\"rows_copied\":10,"
            "\"rows_source\":10,\"rows_target\":10,\"session_id\":\"session-1\","
            "\"source_checksum\":{\"columns\":[[0,\"0000000000000abd\"],[1,\"0000000000000abe\"]],"
            "\"row_sum\":\"0000000000000abc\",\"rows\":10,\"version\":1},\"state\":\"verified\","
            "\"table\":\"main.s.orders\","
            "\"target_checksum\":{\"columns\":[[0,\"0000000000000abd\"],[1,\"0000000000000abe\"]],"
            "\"row_sum\":\"0000000000000abc\",\"rows\":10,\"version\":1},\"verdict\":\"Match\","
            "\"version\":4}");
  const auto table =
      nlohmann::json::parse(Content(kTablesFile).substr(0, Content(kTablesFile).find('\n')));
  EXPECT_EQ(table["version"], 4);
  EXPECT_EQ(table["plan"]["columns"][0]["source_type"], "INT");
  EXPECT_NE(table["plan"]["create_table"].get<std::string>().find(
                "CREATE TABLE IF NOT EXISTS `dw`.`orders`"),
            std::string::npos);
}

TEST_F(BundleTest, TellsByWhatEachPartitionWasComparedAndAnOlderBundleIsWholeWithoutIt) {
  const auto lines = Content(kPartitionsFile);
  EXPECT_NE(lines.find("\"compared_by\":\"checksum\""), std::string::npos) << lines;
  EXPECT_NE(lines.find("\"compared_by\":\"count\""), std::string::npos) << lines;
  EXPECT_NE(lines.find("\"compared_by\":null"), std::string::npos) << lines;
  const auto checked = CheckBundle(path_, "");
  ASSERT_TRUE(checked) << checked.error().ToString();
  EXPECT_EQ(checked->totals.matches(), (std::map<std::string, int64_t>{{"checksum", 1}}));
  EXPECT_EQ(checked->manifest["totals"]["matches_by_method"]["checksum"], 1);

  std::string& older = Content(kPartitionsFile);
  for (const std::string part :
       {"\"compared_by\":\"checksum\",", "\"compared_by\":\"count\",", "\"compared_by\":null,"}) {
    for (size_t at; (at = older.find(part)) != std::string::npos;) older.erase(at, part.size());
  }
  std::string& manifest = Content(kManifestFile);
  const std::string told = "\"matches_by_method\":{\"checksum\":1},";
  ASSERT_NE(manifest.find(told), std::string::npos) << manifest;
  manifest.erase(manifest.find(told), told.size());
  SignAgain("evidence.key");
  WriteFiles(files_);
  const auto old = CheckBundle(path_, "");
  ASSERT_TRUE(old) << old.error().ToString();
  EXPECT_TRUE(old->totals.matches().empty());
}

TEST_F(BundleTest, TheSameLedgerGivesTheSameBytes) {
  const Files before = files_;
  ASSERT_TRUE(Make());
  EXPECT_EQ(ReadFiles(), before);
}

TEST_F(BundleTest, HoldsNoSecret) {
  example_.AddTable("main.s.sig=abcdefghijklmnop", {ExampleLedger::Unit("", 1)});
  ASSERT_TRUE(Make());
  for (const auto& [name, content] : ReadFiles()) {
    EXPECT_EQ(content.find("abcdefghijklmnop"), std::string::npos) << name;
    EXPECT_EQ(content.find("PRIVATE"), std::string::npos) << name;
  }
  EXPECT_TRUE(CheckBundle(path_, key_fingerprint_));
}

TEST_F(BundleTest, AChangeOfAnyFileIsFoundAndTheFileNamed) {
  const Files whole = files_;
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const size_t at : {size_t{0}, whole[i].second.size() / 2, whole[i].second.size() - 1}) {
      files_ = whole;
      files_[i].second[at] = static_cast<char>(files_[i].second[at] ^ 1);
      ExpectFound("EVIDENCE_CHANGED", whole[i].first);
    }
  }
}

TEST_F(BundleTest, AFileThatWasCutIsNamed) {
  const Files whole = files_;
  for (size_t i = 0; i < whole.size(); ++i) {
    files_ = whole;
    files_[i].second.pop_back();
    ExpectFound("EVIDENCE_CHANGED", whole[i].first);
    files_ = whole;
    files_[i].second.clear();
    ExpectFound("EVIDENCE_CHANGED", whole[i].first);
  }
}

TEST_F(BundleTest, AMissingFileIsNamed) {
  const Files whole = files_;
  for (size_t i = 0; i < whole.size(); ++i) {
    files_ = whole;
    files_.erase(files_.begin() + static_cast<std::ptrdiff_t>(i));
    ExpectFound("EVIDENCE_MISSING", whole[i].first);
  }
}

TEST_F(BundleTest, AnAddedFileIsNamed) {
  const Files whole = files_;
  for (size_t i = 0; i <= whole.size(); ++i) {
    files_ = whole;
    files_.insert(files_.begin() + static_cast<std::ptrdiff_t>(i), {"more.json", "{}"});
    ExpectFound("EVIDENCE_ADDED", "more.json");
  }
  files_ = whole;
  files_.insert(files_.begin(), whole[1]);
  ExpectFound("EVIDENCE_ADDED", whole[1].first);
}

TEST_F(BundleTest, FilesInAnotherOrderAreNamed) {
  const Files whole = files_;
  for (size_t i = 0; i + 1 < whole.size(); ++i) {
    files_ = whole;
    std::swap(files_[i], files_[i + 1]);
    ExpectFound("EVIDENCE_ORDER", whole[i + 1].first);
  }
}

TEST_F(BundleTest, LinesInAnotherOrderAreAChange) {
  std::string& lines = Content(kPartitionsFile);
  const size_t end = lines.find('\n') + 1;
  lines = lines.substr(end) + lines.substr(0, end);
  ExpectFound("EVIDENCE_CHANGED", kPartitionsFile);
}

TEST_F(BundleTest, AForgedListDoesNotFitItsSignature) {
  Content(kManifestFile)[30] = 'X';
  const std::string signature = Content(kSignatureFile);
  const std::string key = Content(kKeyFile);
  SignAgain("evidence.key");
  Content(kSignatureFile) = signature;
  ExpectFound("EVIDENCE_CHANGED", kSignatureFile);
}

TEST_F(BundleTest, ABundleSignedByAnotherKeyIsRefusedWhereOneIsTrusted) {
  SignAgain("other.key");
  WriteFiles(files_);
  const auto any = CheckBundle(path_, "");
  ASSERT_TRUE(any) << any.error().ToString();
  EXPECT_NE(any->key_fingerprint, key_fingerprint_);
  const auto checked = CheckBundle(path_, key_fingerprint_);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code(), "EVIDENCE_OTHER_KEY");
  EXPECT_EQ(checked.error().kind(), ErrorKind::kDenied);
  EXPECT_NE(checked.error().message().find(any->key_fingerprint), std::string::npos);
}

TEST_F(BundleTest, SumsThatDoNotAddUpAreFoundThoughTheyAreSigned) {
  const Files whole = files_;
  const struct {
    std::string_view file;
    const char* text;
    const char* with;
    std::string_view named;
  } lies[] = {
      {kPartitionsFile, "\"rows_copied\":20", "\"rows_copied\":21", kManifestFile},
      {kPartitionsFile, "\"verdict\":\"Mismatch\"", "\"verdict\":\"Match\"", kManifestFile},
      {kManifestFile, "\"partitions\":5", "\"partitions\":6", kManifestFile},
      {kManifestFile, "\"rows_target\":null", "\"rows_target\":105", kManifestFile},
      {kManifestFile, "\"totals\":{", "\"total\":{", kManifestFile},
      {kTablesFile, "\"state\":\"refused\"", "\"state\":\"done\"", kManifestFile},
      {kPartitionsFile, "\"bytes\":1000", "\"bytes\":1e3", kPartitionsFile},
      {kPartitionsFile, "\"bytes\":1000", "\"bytes\":9223372036854775807", kPartitionsFile},
      {kPartitionsFile, "\"files\":1", "\"fils\":1", kPartitionsFile},
      {kTablesFile, "\n", "\n[1]\n", kTablesFile},
      {kTablesFile, "{", "", kTablesFile},
  };
  for (const auto& lie : lies) {
    files_ = whole;
    std::string& content = Content(lie.file);
    const size_t at = content.find(lie.text);
    ASSERT_NE(at, std::string::npos) << lie.text;
    content.replace(at, std::string_view(lie.text).size(), lie.with);
    SignAgain("evidence.key");
    ExpectFound("EVIDENCE_TOTALS", lie.named);
  }
}

TEST_F(BundleTest, AFormatOfALaterReleaseIsToldAsThat) {
  std::string& manifest = Content(kManifestFile);
  manifest.replace(manifest.find("\"format_version\":1"), 18, "\"format_version\":2");
  SignAgain("evidence.key");
  ExpectFound("EVIDENCE_FORMAT", kManifestFile);
}

TEST_F(BundleTest, ALineWithoutEndOrDepthCostsNoMemory) {
  Content(kPartitionsFile) = std::string(kEvidenceLineMax + 2, '[');
  SignAgain("evidence.key");
  ExpectFound("EVIDENCE_TOTALS", kPartitionsFile);
  Content(kPartitionsFile) = std::string(1 << 20, '[') + "\n";
  SignAgain("evidence.key");
  ExpectFound("EVIDENCE_TOTALS", kPartitionsFile);
}

TEST_F(BundleTest, AListThatNamesAFileTwiceIsNoReasonToCrash) {
  const auto key = SigningKey::Open(example_.folder() / "evidence.key");
  ASSERT_TRUE(key);
  std::string& sums = Content(kSumsFile);
  sums += sums;
  Content(kSignatureFile) = key->Sign(sums);
  ExpectFound("EVIDENCE_CHANGED", kSumsFile);
}

TEST_F(BundleTest, WithoutTablesThereIsABundleToo) {
  const auto folder = example_.folder() / "empty";
  auto ledger = Ledger::Open(folder);
  ASSERT_TRUE(ledger);
  const auto key = SigningKey::Open(folder / "evidence.key");
  ASSERT_TRUE(key);
  const auto made = WriteBundle(**ledger, Facts(), *key, path_);
  ASSERT_TRUE(made) << made.error().ToString();
  const auto checked = CheckBundle(path_, made->key_fingerprint);
  ASSERT_TRUE(checked) << checked.error().ToString();
  EXPECT_EQ(checked->totals.partitions(), 0);
}

TEST_F(BundleTest, APathThatCannotBeWrittenLeavesNothing) {
  path_ = example_.folder() / "none" / "evidence.tar";
  const auto made = Make();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code(), "OUTPUT_NOT_WRITABLE");
}

}  // namespace
}  // namespace mms::migration
