#include "migration/transfer/text_input.h"

#include <arrow/io/buffered.h>
#include <arrow/io/compressed.h>
#include <arrow/io/interfaces.h>
#include <arrow/memory_pool.h>
#include <arrow/util/compression.h>

#include <utility>

#include "clients/azure/arrow_error.h"
#include "migration/formats/codec.h"

namespace mms::migration {
namespace {

constexpr int64_t kChunkBytes = 4LL << 20;

}  // namespace

Result<std::unique_ptr<TextInput>> TextInput::Open(const ReadContext& context,
                                                   const FileSlice& slice, int64_t start) {
  std::unique_ptr<TextInput> made(new TextInput);
  TRY(const azure::Location location, azure::ResolveFile(context.plan->location, slice.path));
  made->file_ = azure::ToText(location);
  TRY(const TextCodec kind, TextCodecOf(slice.path));
  TRY(auto file, context.storage->OpenFile(location, slice.size_bytes, slice.etag));
  const auto open = [&]() -> arrow::Status {
    ARROW_RETURN_NOT_OK(file->Seek(start));
    made->start_ = start;
    made->raw_ = file;
    made->stream_ = file;
    if (kind == TextCodec::kNone) return arrow::Status::OK();
    ARROW_ASSIGN_OR_RAISE(const std::shared_ptr<arrow::util::Codec> codec, MakeCodec(kind));
    arrow::MemoryPool* pool = arrow::default_memory_pool();
    ARROW_ASSIGN_OR_RAISE(auto buffered,
                          arrow::io::BufferedInputStream::Create(kChunkBytes, pool, file));
    ARROW_ASSIGN_OR_RAISE(made->stream_,
                          arrow::io::CompressedInputStream::Make(codec.get(), std::move(buffered)));
    made->codec_ = codec;
    return arrow::Status::OK();
  };
  const arrow::Status opened = open();
  if (!opened.ok()) return azure::FromArrow(opened, made->file_);
  made->Fetch();
  return made;
}

TextInput::~TextInput() {
  if (ahead_.valid()) ahead_.wait();
}

void TextInput::Fetch() {
  ahead_ = std::async(std::launch::async, [stream = stream_] { return stream->Read(kChunkBytes); });
}

Result<bool> TextInput::Next(std::string* text) {
  if (!ahead_.valid()) return false;
  auto read = ahead_.get();
  if (!read.ok()) return azure::FromArrow(read.status(), file_);
  const auto position = raw_->Tell();
  if (!position.ok()) return azure::FromArrow(position.status(), file_);
  stored_read_ = *position - start_;
  if ((*read)->size() == 0) return false;
  Fetch();
  text->append(reinterpret_cast<const char*>((*read)->data()),
               static_cast<size_t>((*read)->size()));
  return true;
}

}  // namespace mms::migration
