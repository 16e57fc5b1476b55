// What MaxCompute's error answers mean: XML documents of the control plane, JSON of Tunnel, texts
// of failed SQL tasks, and the HTML or nothing that gateways in between send. Pure.
//
// Source: code names and numbers that PyODPS 0.13 (errors.py) and odps-sdk-core 0.52 distinguish;
// anything unknown is judged by its HTTP status.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/http_client.h"

namespace mms::maxcompute {

/// The error of an answer that is not 2xx. `not_found_code` names what is missing when the answer
/// does not.
Error FromAnswer(const HttpResponse& answer, std::string_view not_found_code);

/// The service refused a v4 signature and takes a plain one: the answers at which PyODPS 0.13 signs
/// anew (rest.py).
bool WantsPlainSignature(const HttpResponse& answer);

/// The error of a failed SQL task, from its text "FAILED: ODPS-0130131:[1,15] Table not found -
/// ...".
Error FromTaskText(std::string_view text);

/// An answer with a success status whose body is not the document it should be.
Error UnreadableAnswer(const HttpResponse& answer, std::string_view what);

}  // namespace mms::maxcompute
