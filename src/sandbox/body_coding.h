// HTTP content codings of tunnel bodies, around the complete framed block: deflate (a zlib stream,
// RFC 1950), zstd, LZ4 frame under its two names, snappy framing. Token names as PyODPS 0.13 and
// odps-sdk-core 0.52 send them in Content-Encoding and Accept-Encoding. One thread per object.
// Errors: kUnsupported NotImplemented (unknown token), kCorrupt MalformedDataStream.
#pragma once

#include <memory>
#include <string_view>

#include "base/http_server.h"

namespace mms::sandbox {

/// A source of the decoded bytes; `source` must outlive it. An empty token gives nullptr: read the
/// source itself. The decoder insists that the compressed stream ends where the body ends.
Result<std::unique_ptr<ByteSource>> MakeDecoder(std::string_view token, ByteSource* source);

/// A sink that must be finished before the sink behind it is.
class EncodingSink : public ByteSink {
 public:
  virtual Status Finish() = 0;
};

/// nullptr when the client asked for nothing we encode: answer without Content-Encoding, as the
/// protocol allows.
Result<std::unique_ptr<EncodingSink>> MakeEncoder(std::string_view token, ByteSink* sink);

}  // namespace mms::sandbox
