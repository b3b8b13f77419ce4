/* Fast DDS's own security plugins, opened from outside: the factory is in the library, and its header is not installed. */
#ifndef PLUGINS_HPP
#define PLUGINS_HPP

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <fastdds/rtps/attributes/RTPSParticipantAttributes.h>
#include <fastdds/rtps/security/accesscontrol/AccessControl.h>
#include <fastdds/rtps/security/accesscontrol/ParticipantSecurityAttributes.h>
#include <fastdds/rtps/security/authentication/Authentication.h>
#include <fastdds/rtps/security/exceptions/SecurityException.h>

namespace eprosima {
namespace fastrtps {
namespace rtps {
namespace security {

class SecurityPluginFactory
{
public:
  Authentication *create_authentication_plugin(const PropertyPolicy &properties);
  AccessControl *create_access_control_plugin(const PropertyPolicy &properties);
};

} // namespace security
} // namespace rtps
} // namespace fastrtps
} // namespace eprosima

namespace rtps = eprosima::fastrtps::rtps;
namespace security = eprosima::fastrtps::rtps::security;

/* A participant's security as the plugins see it. Six names are given: the identity CA, certificate and key, the
 * permissions CA, governance and permissions, each a URI as Fast DDS reads it (file://PATH). */
struct Plugins
{
  rtps::RTPSParticipantAttributes attributes;
  std::unique_ptr<security::Authentication> authentication;
  std::unique_ptr<security::AccessControl> access;
  security::SecurityException ex;
  security::IdentityHandle *identity = nullptr;
  security::PermissionsHandle *permissions = nullptr;
  rtps::GUID_t guid;

  explicit Plugins(char **uris)
  {
    auto &properties = attributes.properties.properties();
    properties.emplace_back("dds.sec.auth.plugin", "builtin.PKI-DH");
    properties.emplace_back("dds.sec.access.plugin", "builtin.Access-Permissions");
    for (const char *name : { "identity_ca", "identity_certificate", "private_key" })
      properties.emplace_back(std::string("dds.sec.auth.builtin.PKI-DH.") + name, *uris++);
    for (const char *name : { "permissions_ca", "governance", "permissions" })
      properties.emplace_back(std::string("dds.sec.access.builtin.Access-Permissions.") + name, *uris++);
    security::SecurityPluginFactory factory;
    authentication.reset(factory.create_authentication_plugin(attributes.properties));
    access.reset(factory.create_access_control_plugin(attributes.properties));
  }

  /* What participants ask first, of the identity. */
  bool validate_identity(uint32_t domain, const rtps::GUID_t &candidate)
  {
    return authentication->validate_local_identity(&identity, guid, domain, attributes, candidate, ex) == security::VALIDATION_OK;
  }

  /* And then, of the documents. */
  bool validate_permissions(uint32_t domain)
  {
    permissions = access->validate_local_permissions(*authentication, *identity, domain, attributes, ex);
    return permissions != nullptr && !permissions->nil();
  }
};

#endif
