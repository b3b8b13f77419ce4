/* Fast DDS's own authentication plugin as a live endpoint: one JSON object a line on stdin and stdout.
 *
 *   authentication IDENTITY_CA CERTIFICATE KEY PERMISSIONS_CA GOVERNANCE PERMISSIONS
 *
 * URIs as Fast DDS reads them (file://PATH). Announces itself, reads the peer's announcement, and goes on in the role that
 * the GUIDs decide. A token that the plugin does not accept is told as {"refused":...}, and the next one is read. The
 * last line is {"authenticated":...,"sharedSecretSha256":...}.
 */
#include <cstring>
#include <openssl/sha.h>
#include <fastdds/dds/log/Log.hpp>
#include "plugins.hpp"

/* The reader and writer of lines is that of the driver for Cyclone DDS, in C. */
#define _Noreturn
extern "C" {
#include "../cyclonedds-auth/tokens.h"
}

namespace {

rtps::DataHolder taken(const DDS_Security_DataHolder &from)
{
  rtps::DataHolder to;
  to.class_id() = from.class_id;
  for (unsigned i = 0; i < from.properties._length; i++)
  {
    rtps::Property property(from.properties._buffer[i].name, from.properties._buffer[i].value);
    property.propagate(true);
    to.properties().push_back(property);
  }
  for (unsigned i = 0; i < from.binary_properties._length; i++)
  {
    const DDS_Security_BinaryProperty_t &given = from.binary_properties._buffer[i];
    rtps::BinaryProperty property;
    property.name(given.name);
    property.value(std::vector<uint8_t>(given.value._buffer, given.value._buffer + given.value._length));
    property.propagate(true);
    to.binary_properties().push_back(property);
  }
  return to;
}

/* Without an end of line. */
void write(rtps::DataHolder &token)
{
  std::vector<DDS_Security_Property_t> properties;
  for (auto &each : token.properties())
    if (each.propagate()) properties.push_back({ &each.name()[0], &each.value()[0], true });
  std::vector<DDS_Security_BinaryProperty_t> binary;
  for (auto &each : token.binary_properties())
  {
    if (!each.propagate()) continue;
    const auto length = uint32_t(each.value().size());
    binary.push_back({ &each.name()[0], { length, length, each.value().data() }, true });
  }
  DDS_Security_DataHolder holder;
  memset(&holder, 0, sizeof holder);
  holder.class_id = &token.class_id()[0];
  holder.properties._length = uint32_t(properties.size());
  holder.properties._buffer = properties.data();
  holder.binary_properties._length = uint32_t(binary.size());
  holder.binary_properties._buffer = binary.data();
  write_token(stdout, &holder);
}

void say(rtps::DataHolder *token)
{
  if (token == nullptr) return;
  write(*token);
  puts("");
  fflush(stdout);
}

void refuse(security::SecurityException &ex)
{
  std::string message;
  for (const char *c = ex.what(); *c; c++)
    if (*c >= 0x20 && *c != '"' && *c != '\\') message += *c;
  printf("{\"refused\":1,\"message\":\"%s\"}\n", message.c_str());
  fflush(stdout);
  ex = security::SecurityException();
}

void octets_of(const rtps::GUID_t &guid, unsigned char *octets)
{
  memcpy(octets, guid.guidPrefix.value, 12);
  memcpy(octets + 12, guid.entityId.value, 4);
}

/* PID_PARTICIPANT_GUID and PID_SENTINEL are what the plugin looks for. */
rtps::CDRMessage_t participant_data(const rtps::GUID_t &guid)
{
  unsigned char data[24] = { 0x00, 0x50, 0x00, 0x10 };
  octets_of(guid, data + 4);
  data[21] = 0x01;
  rtps::CDRMessage_t message(sizeof data);
  memcpy(message.buffer, data, sizeof data);
  message.length = sizeof data;
  message.msg_endian = rtps::BIGEND;
  return message;
}

int finish(Plugins &plugins, security::HandshakeHandle &handshake)
{
  const auto secret = plugins.authentication->get_shared_secret(handshake, plugins.ex);
  const auto *value = secret ? security::SharedSecretHelper::find_data_value(*secret, "SharedSecret") : nullptr;
  if (value == nullptr) fail("get_shared_secret", plugins.ex.what());
  unsigned char hash[SHA256_DIGEST_LENGTH];
  SHA256(value->data(), value->size(), hash);
  fputs("{\"authenticated\":true,\"sharedSecretSha256\":", stdout);
  write_hex(stdout, hash, sizeof hash);
  puts("}");
  fflush(stdout);
  _Exit(0);
}

void announce(Plugins &plugins, const unsigned char *guid)
{
  rtps::IdentityToken *token = nullptr;
  if (!plugins.authentication->get_identity_token(&token, *plugins.identity, plugins.ex))
    fail("get_identity_token", plugins.ex.what());
  fputs("{\"guid\":", stdout);
  write_hex(stdout, guid, 16);
  fputs(",\"identity_token\":", stdout);
  write(*token);
  puts("}");
  fflush(stdout);
}

} // namespace

int main(int argc, char **argv)
{
  if (argc != 7) fail("usage: authentication IDENTITY_CA CERTIFICATE KEY PERMISSIONS_CA GOVERNANCE PERMISSIONS", nullptr);
  /* It logs to stdout of its own. */
  eprosima::fastdds::dds::Log::ClearConsumers();
  Plugins plugins(argv + 1);
  rtps::GUID_t candidate;
  for (int i = 0; i < 12; i++) candidate.guidPrefix.value[i] = rtps::octet(0x10 + i);
  candidate.entityId = rtps::EntityId_t(0x1c1);
  if (!plugins.validate_identity(0, candidate)) fail("validate_local_identity", plugins.ex.what());
  if (!plugins.validate_permissions(0)) fail("validate_local_permissions", plugins.ex.what());
  rtps::PermissionsCredentialToken *credential = nullptr;
  if (!plugins.access->get_permissions_credential_token(&credential, *plugins.permissions, plugins.ex) ||
      !plugins.authentication->set_permissions_credential_and_token(*plugins.identity, *credential, plugins.ex))
    fail("set_permissions_credential_and_token", plugins.ex.what());
  unsigned char guid[16];
  octets_of(plugins.guid, guid);
  announce(plugins, guid);

  struct line line;
  if (!read_line(stdin, &line) || !line.has_guid || !line.has_identity_token) fail("no announcement of the peer", nullptr);
  rtps::GUID_t peer_guid;
  memcpy(peer_guid.guidPrefix.value, line.guid, 12);
  memcpy(peer_guid.entityId.value, line.guid + 12, 4);
  security::IdentityHandle *remote = nullptr;
  const auto role = plugins.authentication->validate_remote_identity(
    &remote, *plugins.identity, taken(line.identity_token), peer_guid, plugins.ex);

  const rtps::CDRMessage_t pdata = participant_data(plugins.guid);
  security::HandshakeHandle *handshake = nullptr;
  security::HandshakeMessageToken *out = nullptr;
  bool begun = false;
  if (role == security::VALIDATION_PENDING_HANDSHAKE_REQUEST)
  {
    if (plugins.authentication->begin_handshake_request(&handshake, &out, *plugins.identity, *remote, pdata, plugins.ex) !=
        security::VALIDATION_PENDING_HANDSHAKE_MESSAGE)
      fail("begin_handshake_request", plugins.ex.what());
    say(out);
    begun = true;
  }
  else if (role != security::VALIDATION_PENDING_HANDSHAKE_MESSAGE) fail("validate_remote_identity", plugins.ex.what());

  while (read_line(stdin, &line))
  {
    if (!line.has_token) fail("a token is expected", nullptr);
    out = nullptr;
    const auto result =
      begun ? plugins.authentication->process_handshake(&out, taken(line.token), *handshake, plugins.ex)
            : plugins.authentication->begin_handshake_reply(&handshake, &out, taken(line.token), *remote, *plugins.identity, pdata, plugins.ex);
    if (result == security::VALIDATION_FAILED)
    {
      refuse(plugins.ex);
      continue;
    }
    begun = true;
    say(out);
    if (result == security::VALIDATION_OK || result == security::VALIDATION_OK_WITH_FINAL_MESSAGE) return finish(plugins, *handshake);
  }
  puts("{\"authenticated\":false}");
  return 1;
}
