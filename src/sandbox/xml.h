// XML bodies of the control plane: built and parsed with pugixml, never by text.
// One thread per document. Errors: kInvalidInput InvalidArgument.
#pragma once

#include <pugixml.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mms::sandbox {

/// An element that grows.
class XmlElement {
 public:
  explicit XmlElement(pugi::xml_node node) : node_(node) {}
  XmlElement Add(const char* name);
  XmlElement Add(const char* name, std::string_view text);
  XmlElement AddCdata(const char* name, std::string_view text);
  XmlElement& Attribute(const char* name, std::string_view value);

 private:
  pugi::xml_node node_;
};

class XmlDocument {
 public:
  explicit XmlDocument(const char* root_name);
  XmlElement root() { return XmlElement(document_.document_element()); }
  std::string ToText() const;

 private:
  pugi::xml_document document_;
};

/// What a client POSTs to start a job, as PyODPS 0.13 and odps-sdk-core 0.52 write it.
struct SubmittedJob {
  std::string task_name;
  std::string query;
  std::string settings;  ///< JSON text of the "settings" property; may be empty
  std::string job_text;  ///< the <Job> element, to give back as the instance's source
};
Result<SubmittedJob> ParseSubmittedJob(std::string_view body);

/// The text of a direct child of the root ("Status" of <Instance>); "" when absent.
Result<std::string> ParseRootChild(std::string_view body, const char* child);

}  // namespace mms::sandbox
