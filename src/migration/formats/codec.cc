#include "migration/formats/codec.h"

#include <arrow/util/compression.h>
#include <fmt/format.h>

#include <string_view>
#include <utility>

namespace mms::migration {
namespace {

struct Ending {
  std::string_view text;
  TextCodec codec;
};

constexpr Ending kRead[] = {{".gz", TextCodec::kGzip},
                            {".deflate", TextCodec::kDeflate},
                            {".bz2", TextCodec::kBzip2},
                            {".zst", TextCodec::kZstd}};
// The first three Spark reads; the others nobody does, and as text they are none.
constexpr std::string_view kNotRead[] = {".snappy", ".lz4", ".lzo", ".xz", ".zip", ".7z", ".br"};

}  // namespace

Result<TextCodec> TextCodecOf(const std::string& path) {
  for (const Ending& ending : kRead) {
    if (path.ends_with(ending.text)) return ending.codec;
  }
  for (const std::string_view ending : kNotRead) {
    if (!path.ends_with(ending)) continue;
    return Error(ErrorKind::kUnsupported, "FILE_CODEC_UNSUPPORTED",
                 fmt::format("the file {} is compressed in a way that is not read here (read are "
                             ".gz, .bz2, .zst and .deflate); read the table by SQL "
                             "(`source.jdbc`), or leave it out (`exclude`, of a job --but)",
                             path));
  }
  return TextCodec::kNone;
}

arrow::Result<std::shared_ptr<arrow::util::Codec>> MakeCodec(TextCodec codec) {
  using arrow::Compression;
  using arrow::util::Codec;
  std::unique_ptr<Codec> made;
  switch (codec) {
    case TextCodec::kNone: break;
    case TextCodec::kGzip: {
      ARROW_ASSIGN_OR_RAISE(made, Codec::Create(Compression::GZIP));
      break;
    }
    case TextCodec::kDeflate: {
      arrow::util::GZipCodecOptions options;
      options.gzip_format = arrow::util::GZipFormat::ZLIB;
      ARROW_ASSIGN_OR_RAISE(made, Codec::Create(Compression::GZIP, options));
      break;
    }
    case TextCodec::kBzip2: {
      ARROW_ASSIGN_OR_RAISE(made, Codec::Create(Compression::BZ2));
      break;
    }
    case TextCodec::kZstd: {
      ARROW_ASSIGN_OR_RAISE(made, Codec::Create(Compression::ZSTD));
      break;
    }
  }
  return made;
}

}  // namespace mms::migration
