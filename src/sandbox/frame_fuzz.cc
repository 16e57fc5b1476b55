// Any bytes as a chunk frame: refused, or taken apart into a payload that comes back the same when
// it is framed again.
#include "sandbox/frame.h"
#include "sandbox/memory_body.h"

namespace mms::sandbox {
namespace {

Result<std::string> Payload(const std::string& bytes, size_t piece) {
  MemorySource source(bytes, piece);
  FrameReader reader(&source);
  std::string payload;
  char buffer[4'096];
  while (true) {
    TRY(size_t got, reader.Read(buffer, sizeof buffer));
    if (got == 0) return payload;
    payload.append(buffer, got);
  }
}

void FuzzFrame(const std::string& bytes) {
  auto payload = Payload(bytes, 7);
  auto again = Payload(bytes, 4'096);
  CHECK(payload.has_value() == again.has_value());
  if (!payload) return;
  CHECK(*payload == *again);
  MemorySink sink;
  FrameWriter writer(&sink, 64);
  CHECK(writer.Write(payload->data(), payload->size()).has_value());
  CHECK(writer.Finish().has_value());
  auto back = Payload(sink.bytes, 7);
  CHECK(back.has_value() && *back == *payload);
}

}  // namespace
}  // namespace mms::sandbox

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mms::sandbox::FuzzFrame(std::string(reinterpret_cast<const char*>(data), size));
  return 0;
}
