#include "sandbox/xml.h"

#include <sstream>

namespace mms::sandbox {
namespace {

Error BadXml(const std::string& what) {
  return Error(ErrorKind::kInvalidInput, "InvalidArgument", "the request body " + what);
}

}  // namespace

XmlElement XmlElement::Add(const char* name) { return XmlElement(node_.append_child(name)); }

XmlElement XmlElement::Add(const char* name, std::string_view text) {
  pugi::xml_node child = node_.append_child(name);
  child.text().set(std::string(text).c_str());
  return XmlElement(child);
}

XmlElement XmlElement::AddCdata(const char* name, std::string_view text) {
  pugi::xml_node child = node_.append_child(name);
  child.append_child(pugi::node_cdata).set_value(std::string(text).c_str());
  return XmlElement(child);
}

XmlElement& XmlElement::Attribute(const char* name, std::string_view value) {
  node_.append_attribute(name).set_value(std::string(value).c_str());
  return *this;
}

XmlDocument::XmlDocument(const char* root_name) { document_.append_child(root_name); }

std::string XmlDocument::ToText() const {
  std::ostringstream out;
  out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
  document_.save(out, "", pugi::format_raw | pugi::format_no_declaration);
  return out.str();
}

Result<SubmittedJob> ParseSubmittedJob(std::string_view body) {
  pugi::xml_document document;
  auto parsed = document.load_buffer(body.data(), body.size());
  if (!parsed) return BadXml(std::string("is not XML: ") + parsed.description());
  pugi::xml_node job = document.child("Instance").child("Job");
  pugi::xml_node task = job.child("Tasks").child("SQL");
  if (!task) return BadXml("has no <Instance><Job><Tasks><SQL>; the sandbox runs SQL tasks only");
  SubmittedJob submitted;
  submitted.task_name = task.child("Name").text().as_string("AnonymousSQLTask");
  submitted.query = task.child("Query").text().as_string();
  for (pugi::xml_node property : task.child("Config").children("Property")) {
    if (std::string_view(property.child("Name").text().as_string()) == "settings") {
      submitted.settings = property.child("Value").text().as_string();
    }
  }
  std::ostringstream out;
  job.print(out, "", pugi::format_raw);
  submitted.job_text = out.str();
  return submitted;
}

Result<std::string> ParseRootChild(std::string_view body, const char* child) {
  pugi::xml_document document;
  auto parsed = document.load_buffer(body.data(), body.size());
  if (!parsed) return BadXml(std::string("is not XML: ") + parsed.description());
  return std::string(document.document_element().child(child).text().as_string());
}

}  // namespace mms::sandbox
