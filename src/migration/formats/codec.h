// How a text file is compressed, told by its ending alone, as Spark tells it. Pure.
//
// Source: Hadoop 3.4, CompressionCodecFactory. Its .snappy and .lz4 are block framings of its own,
// which Arrow's streams do not read.
#pragma once

#include <arrow/result.h>
#include <arrow/util/type_fwd.h>

#include <memory>
#include <string>

#include "base/result.h"

namespace mms::migration {

enum class TextCodec { kNone, kGzip, kDeflate, kBzip2, kZstd };

/// Errors: kUnsupported FILE_CODEC_UNSUPPORTED.
Result<TextCodec> TextCodecOf(const std::string& path);

/// Null for kNone.
arrow::Result<std::shared_ptr<arrow::util::Codec>> MakeCodec(TextCodec codec);

}  // namespace mms::migration
