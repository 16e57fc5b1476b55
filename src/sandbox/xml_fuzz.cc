// Any bytes as the XML bodies that clients post: refused, or read; what was read of a job is XML.
#include "sandbox/xml.h"

namespace mms::sandbox {
namespace {

void FuzzXml(std::string_view bytes) {
  (void)ParseRootChild(bytes, "Status");  // any outcome will do, but a crash
  auto job = ParseSubmittedJob(bytes);
  if (!job) return;
  pugi::xml_document document;
  CHECK(document.load_string(job->job_text.c_str()));
}

}  // namespace
}  // namespace mms::sandbox

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  mms::sandbox::FuzzXml(std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
