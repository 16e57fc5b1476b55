// Access tokens of Microsoft Entra ID for a service principal that may read the storage.
//
// Source: Microsoft's "OAuth 2.0 client credentials flow": POST AUTHORITY/TENANT/oauth2/v2.0/token
// with grant_type, client_id, client_secret and scope; the answer has access_token and expires_in,
// an error has error, error_description (which begins with its AADSTS number) and error_codes.
#pragma once

#include <memory>
#include <string>

#include "base/http_client.h"
#include "base/result.h"
#include "base/secret.h"
#include "clients/azure/credential.h"

namespace mms::azure {

struct ServicePrincipal {
  std::string tenant_id;
  std::string client_id;
  Secret client_secret;
  std::string
      authority;  ///< "" = that of the public cloud; else https://login.chinacloudapi.cn, ...
};

/// Asks for a new token with each call; what may pass is repeated. Errors: kDenied AZURE_SIGN_IN (a
/// wrong or lapsed secret, an unknown application or tenant: each with what to do), kUnavailable
/// AZURE_SIGN_IN_UNREACHABLE, kThrottled AZURE_SIGN_IN_THROTTLED, kCorrupt AZURE_SIGN_IN_ANSWER.
CredentialProvider FromServicePrincipal(ServicePrincipal principal,
                                        std::shared_ptr<HttpClient> http);

}  // namespace mms::azure
