#include "terminal/output.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>

#include "base/secret.h"

namespace mms::terminal {
namespace {

TEST(Output, ObjectsCarryTypeAndSchemaFirstOnOneLine) {
  testing::internal::CaptureStdout();
  Output(true).Object("table", {{"source", "a\nb"}, {"rows", nullptr}});
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "{\"type\":\"table\",\"schema\":1,\"source\":\"a\\nb\",\"rows\":null}\n");
}

TEST(Output, SecretsAreScrubbedFromEveryStreamAndInsideObjects) {
  const Secret secret("canary\"value\\1234");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Output output(true);
  output.Result("<" + secret.Reveal() + ">\n");
  output.Object("x", {{"list", {secret.Reveal(), {{"deep", "a" + secret.Reveal()}}}}});
  output.Log("log " + secret.Reveal());
  output.Draw("draw " + secret.Reveal() + "\n");
  const ExitCode code = output.Fail(Error(ErrorKind::kDenied, "CODE", "m " + secret.Reveal()));
  const std::string text =
      testing::internal::GetCapturedStdout() + testing::internal::GetCapturedStderr();
  EXPECT_EQ(code, ExitCode::kConfiguration);
  EXPECT_EQ(text.find("canary"), std::string::npos) << text;
  EXPECT_NE(text.find("\"deep\":\"a***\""), std::string::npos) << text;
}

TEST(Output, ErrorsSayWhereWhatAndTheCode) {
  testing::internal::CaptureStderr();
  Output(false).Fail(
      Error(ErrorKind::kNotFound, "TABLES_NOT_FOUND", "no table matches; check include")
          .At("catalog main"));
  EXPECT_EQ(testing::internal::GetCapturedStderr(),
            "error: catalog main: no table matches; check include [TABLES_NOT_FOUND]\n");
}

TEST(Output, BrokenUtf8FromOutsideNeverThrows) {
  testing::internal::CaptureStdout();
  Output(true).Object("x", {{"name", "a\xff"}});
  EXPECT_NE(testing::internal::GetCapturedStdout().find("\"name\":\"a\xEF\xBF\xBD\""),
            std::string::npos);
}

/// Runs `act` with stdout on `file_descriptor`.
template <class Act>
void WithStdout(int file_descriptor, Act&& act) {
  const int saved = dup(STDOUT_FILENO);
  ASSERT_GE(saved, 0);
  ASSERT_EQ(dup2(file_descriptor, STDOUT_FILENO), STDOUT_FILENO);
  act();
  dup2(saved, STDOUT_FILENO);
  close(saved);
}

TEST(Output, AResultThatCannotBeWrittenFailsTheCommand) {
  const int full = open("/dev/full", O_WRONLY);
  ASSERT_GE(full, 0);
  testing::internal::CaptureStderr();
  ExitCode code = ExitCode::kDone;
  WithStdout(full, [&] {
    Output output(false);
    output.Result("text\n");
    code = output.Close(ExitCode::kDone);
  });
  close(full);
  EXPECT_EQ(code, ExitCode::kBug);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("[OUTPUT_FAILED]"), std::string::npos);
}

TEST(Screen, AFileIsNoTerminalAndTakesUtf8) {
  const int file = open("/dev/null", O_WRONLY);
  ASSERT_GE(file, 0);
  const Screen screen = ScreenOf(file);
  close(file);
  EXPECT_FALSE(screen.terminal);
  EXPECT_FALSE(screen.color);
  EXPECT_TRUE(screen.utf8);
  EXPECT_EQ(screen.width, 0);
}

TEST(Screen, NoColorLeavesTextAlone) {
  Screen screen;
  EXPECT_EQ(Colored("x", Color::kRed, screen), "x");
  screen.color = true;
  EXPECT_EQ(Colored("x", Color::kRed, screen), "\x1b[31mx\x1b[0m");
}

}  // namespace
}  // namespace mms::terminal
