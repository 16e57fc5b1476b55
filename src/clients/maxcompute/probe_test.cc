#include "clients/maxcompute/probe.h"

#include <gtest/gtest.h>

#include "base/loopback_server.h"
#include "clients/maxcompute/pacer.h"

namespace mms::maxcompute {
namespace {

/// A service that takes blocks by `accepted` codecs only.
class Service {
 public:
  explicit Service(std::vector<Codec> accepted, int refusal = 400,
                   std::shared_ptr<Pacer> pacer = nullptr)
      : server_([this](const LoopbackRequest& request) { return Serve(request); }),
        accepted_(std::move(accepted)),
        refusal_(refusal),
        client_(MakeOptions(server_.url(), std::move(pacer)),
                std::make_shared<HttpClient>(HttpClient::Options{})),
        tunnel_(&client_) {}

  Result<CodecProbe> Probe(Codec wanted) { return ProbeCodec(tunnel_, {"t", {}}, wanted); }
  int commits() const { return commits_; }
  bool forgets = false;
  std::optional<BlockForm> refused;  ///< a form in which no codec is taken

 private:
  static Options MakeOptions(const std::string& url, std::shared_ptr<Pacer> pacer) {
    Options options;
    options.pacer = std::move(pacer);
    options.endpoint = options.tunnel_endpoint = url;
    options.project = "p1";
    options.retry.first_wait_ms = 1;
    options.retry.attempts_max = 2;
    return options;
  }

  LoopbackAnswer Serve(const LoopbackRequest& request) {
    const bool creates = request.target.find("uploads") != std::string::npos;
    commits_ += request.method == "POST" && !creates;
    if (request.method == "PUT") {
      const auto coding = request.headers.find("content-encoding");
      const auto codec = FromContentCoding(coding == request.headers.end() ? "" : coding->second);
      const bool arrow = request.target.find("&arrow") != std::string::npos;
      const bool taken = codec &&
                         std::find(accepted_.begin(), accepted_.end(), *codec) != accepted_.end() &&
                         refused != (arrow ? BlockForm::kArrow : BlockForm::kRecord);
      blocks_ += taken && !forgets;
      return taken ? Answer(200, "")
                   : Answer(refusal_, R"({"Code":"InvalidArgument","Message":"what is that"})");
    }
    return Answer(200, std::string(R"({"UploadID":"U1","Status":"normal","UploadedBlockList":[)") +
                           (blocks_ > 0 ? R"({"BlockID":0})" : "") +
                           (blocks_ > 1 ? R"(,{"BlockID":1})" : "") + "]}");
  }

  LoopbackServer server_;
  std::vector<Codec> accepted_;
  int refusal_;
  std::atomic<int> blocks_{0};
  std::atomic<int> commits_{0};
  Client client_;
  Tunnel tunnel_;
};

TEST(ProbeCodec, GivesTheCodecThatTheServiceTakes) {
  Service service({Codec::kLz4});
  const Result<CodecProbe> probe = service.Probe(Codec::kLz4);
  ASSERT_TRUE(probe) << probe.error().ToString();
  EXPECT_EQ(probe->codec, Codec::kLz4);
  EXPECT_EQ(probe->reason, "");
  EXPECT_EQ(service.commits(), 0);
}

TEST(ProbeCodec, FallsBackToRawAndTellsWhy) {
  for (const int refusal : {400, 415, 500}) {
    Service service({Codec::kRaw}, refusal);
    const Result<CodecProbe> probe = service.Probe(Codec::kZstd);
    ASSERT_TRUE(probe) << probe.error().ToString();
    EXPECT_EQ(probe->codec, Codec::kRaw);
    EXPECT_NE(probe->reason.find("does not take zstd"), std::string::npos) << probe->reason;
    EXPECT_NE(probe->reason.find("what is that"), std::string::npos) << probe->reason;
    EXPECT_EQ(service.commits(), 0);
  }
}

TEST(ProbeCodec, ABlockThatIsTakenAndNotListedIsNotTaken) {
  Service service({Codec::kSnappy});
  service.forgets = true;
  EXPECT_EQ(service.Probe(Codec::kSnappy)->codec, Codec::kRaw);
}

TEST(ProbeCodec, ACodecIsTakenInBothFormsOrNotAtAll) {
  for (const BlockForm form : {BlockForm::kArrow, BlockForm::kRecord}) {
    Service service({Codec::kLz4});
    service.refused = form;
    const Result<CodecProbe> probe = service.Probe(Codec::kLz4);
    ASSERT_TRUE(probe) << probe.error().ToString();
    EXPECT_EQ(probe->codec, Codec::kRaw);
    EXPECT_NE(probe->reason, "");
  }
}

TEST(ProbeCodec, ItsSessionAndBlocksArePaced) {
  auto pacer = std::make_shared<Pacer>();
  Service service({Codec::kLz4}, 400, pacer);
  ASSERT_TRUE(service.Probe(Codec::kLz4));
  EXPECT_EQ(pacer->waits(Limit::kUploadSessions).granted, 1);
  EXPECT_EQ(pacer->waits(Limit::kBlocks).granted, 2);
}

TEST(ProbeCodec, RawNeedsNoProbe) {
  Service service({});
  EXPECT_EQ(service.Probe(Codec::kRaw)->reason, "");
}

}  // namespace
}  // namespace mms::maxcompute
