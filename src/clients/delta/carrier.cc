#include "clients/delta/carrier.h"

#include <exception>
#include <utility>

namespace mms::delta {

mms_delta_transport Carrier::Lend(std::shared_ptr<Carrier> carrier) {
  mms_delta_transport transport{};
  transport.context = new std::shared_ptr<Carrier>(std::move(carrier));
  transport.send = [](void* context, const mms_delta_request* request, mms_delta_answer* answer) {
    // Nothing may be thrown into Rust; only memory can run out here.
    try {
      (*static_cast<std::shared_ptr<Carrier>*>(context))->Send(*request, answer);
    } catch (const std::exception& thrown) {
      mms_delta_answer_failed(answer, 0, thrown.what());
    }
  };
  transport.release = [](void* context) { delete static_cast<std::shared_ptr<Carrier>*>(context); };
  return transport;
}

std::optional<Error> Carrier::TakeFailure() {
  std::lock_guard lock(mutex_);
  return std::exchange(failure_, std::nullopt);
}

void Carrier::Send(const mms_delta_request& raw, mms_delta_answer* answer) {
  HttpRequest request;
  request.method = raw.method;
  request.url = raw.url;
  for (size_t i = 0; i < raw.header_count; ++i) {
    request.headers.emplace_back(raw.header_names[i], raw.header_values[i]);
  }
  request.on_body = [answer](std::string_view bytes) -> Status {
    mms_delta_answer_body(answer, bytes.data(), bytes.size());
    return OkStatus();
  };
  Result<HttpResponse> response = transport_(request);
  if (response) {
    mms_delta_answer_status(answer, response->status);
    for (const auto& [name, value] : response->headers) {
      mms_delta_answer_header(answer, name.c_str(), value.c_str());
    }
    // What came with an error's status did not go to on_body.
    mms_delta_answer_body(answer, response->body.data(), response->body.size());
    return;
  }
  Error error = std::move(response).error();
  mms_delta_answer_failed(answer, IsTransient(error.kind()) ? 1 : 0, error.ToString().c_str());
  std::lock_guard lock(mutex_);
  failure_ = std::move(error);
}

}  // namespace mms::delta
