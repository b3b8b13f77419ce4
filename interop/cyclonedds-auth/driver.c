/* Cyclone DDS's own authentication plugin as a live endpoint: one JSON object a line on stdin and stdout.
 *
 *   driver PLUGIN IDENTITY_CA CERTIFICATE KEY PERMISSIONS [OPTIONAL_FIELDS]
 *
 * PLUGIN is libdds_security_auth.so; the next three are URIs as Cyclone DDS reads them (file:PATH); PERMISSIONS is the
 * path of a signed permissions document. Announces itself, reads the peer's announcement, and goes on in the role
 * that the GUIDs decide. A token that the plugin does not accept is told as {"refused":...}, and the next one is read.
 * The last line is {"authenticated":...,"sharedSecretSha256":...}.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "dds/dds.h"
#include "dds/security/core/shared_secret.h"
#include "dds/security/dds_security_api.h"
#include "tokens.h"

static dds_security_authentication *auth;
static DDS_Security_SecurityException ex;

static void say(const DDS_Security_DataHolder *token)
{
  write_token(stdout, token);
  putchar('\n');
  fflush(stdout);
}

static void refuse(void)
{
  fputs("{\"refused\":", stdout);
  printf("%d,\"message\":\"", (int)ex.code);
  for (const char *c = ex.message ? ex.message : ""; *c; c++)
    if (*c >= 0x20 && *c != '"' && *c != '\\') putchar(*c);
  puts("\"}");
  fflush(stdout);
  memset(&ex, 0, sizeof ex);
}

static char *read_file(const char *path)
{
  FILE *file = fopen(path, "rb");
  char *text = calloc(1, 1 << 20);
  if (!file || fread(text, 1, (1 << 20) - 1, file) == 0) fail("cannot read", path);
  fclose(file);
  return text;
}

static void open_plugin(const char *path)
{
  void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (!library) fail("the plugin cannot be loaded", dlerror());
  int (*init)(const char *, void **, void *) = (int (*)(const char *, void **, void *))dlsym(library, "init_authentication");
  /* The plugin only keeps the domain that it is given; nothing in it is used while no certificate expires. */
  void *domain = calloc(1, 1 << 20), *context = NULL;
  if (!init || init("", &context, domain) != 0) fail("the plugin does not start", path);
  auth = context;
}

static DDS_Security_IdentityHandle open_identity(char **argv, DDS_Security_GUID_t *guid)
{
  char *names[] = {
    "dds.sec.auth.identity_ca",
    "dds.sec.auth.identity_certificate",
    "dds.sec.auth.private_key",
    "org.eclipse.cyclonedds.sec.auth.include_optional_fields",
  };
  DDS_Security_Property_t properties[4];
  for (int i = 0; i < 4; i++)
    properties[i] = (DDS_Security_Property_t){ .name = names[i], .value = i < 3 ? argv[2 + i] : "true" };
  DDS_Security_Qos qos;
  memset(&qos, 0, sizeof qos);
  qos.property.value._buffer = properties;
  qos.property.value._length = qos.property.value._maximum = argv[6] ? 4 : 3;
  DDS_Security_GUID_t candidate;
  for (size_t i = 0; i < sizeof candidate; i++) ((unsigned char *)&candidate)[i] = (unsigned char)(0x10 + i);
  DDS_Security_IdentityHandle local = 0;
  if (auth->validate_local_identity(auth, &local, guid, 0, &qos, &candidate, &ex) != DDS_SECURITY_VALIDATION_OK)
    fail("validate_local_identity", ex.message);
  return local;
}

static void set_permissions(DDS_Security_IdentityHandle local, const char *path)
{
  DDS_Security_Property_t property = { .name = "dds.perm.cert", .value = read_file(path), .propagate = 1 };
  DDS_Security_DataHolder credential, token;
  memset(&credential, 0, sizeof credential);
  memset(&token, 0, sizeof token);
  credential.class_id = "DDS:Access:PermissionsCredential";
  credential.properties = (DDS_Security_PropertySeq){ ._maximum = 1, ._length = 1, ._buffer = &property };
  token.class_id = "DDS:Access:Permissions:1.0";
  if (!auth->set_permissions_credential_and_token(auth, local, &credential, &token, &ex))
    fail("set_permissions_credential_and_token", ex.message);
}

/* PID_PARTICIPANT_GUID and PID_SENTINEL are what the plugin looks for. */
static DDS_Security_OctetSeq participant_data(const DDS_Security_GUID_t *guid)
{
  static unsigned char data[24] = { 0x00, 0x50, 0x00, 0x10, [20] = 0x00, [21] = 0x01 };
  memcpy(data + 4, guid, 16);
  return (DDS_Security_OctetSeq){ ._maximum = sizeof data, ._length = sizeof data, ._buffer = data };
}

static int finish(DDS_Security_HandshakeHandle handshake)
{
  const DDS_Security_SharedSecretHandle handle = auth->get_shared_secret(auth, handshake, &ex);
  const DDS_Security_SharedSecretHandleImpl *secret = (const DDS_Security_SharedSecretHandleImpl *)(intptr_t)handle;
  unsigned char *(*sha256)(const unsigned char *, size_t, unsigned char *) =
    (unsigned char *(*)(const unsigned char *, size_t, unsigned char *))dlsym(RTLD_DEFAULT, "SHA256");
  unsigned char hash[32];
  if (!secret || !sha256) fail("get_shared_secret", ex.message);
  sha256(secret->shared_secret, (size_t)secret->shared_secret_size, hash);
  fputs("{\"authenticated\":true,\"sharedSecretSha256\":", stdout);
  write_hex(stdout, hash, sizeof hash);
  puts("}");
  return 0;
}

int main(int argc, char **argv)
{
  if (argc < 6) fail("usage: driver PLUGIN IDENTITY_CA CERTIFICATE KEY PERMISSIONS [OPTIONAL_FIELDS]", NULL);
  open_plugin(argv[1]);
  DDS_Security_GUID_t guid, peer_guid;
  const DDS_Security_IdentityHandle local = open_identity(argv, &guid);
  set_permissions(local, argv[5]);

  DDS_Security_DataHolder token;
  memset(&token, 0, sizeof token);
  if (!auth->get_identity_token(auth, &token, local, &ex)) fail("get_identity_token", ex.message);
  fputs("{\"guid\":", stdout);
  write_hex(stdout, (const unsigned char *)&guid, 16);
  fputs(",\"identity_token\":", stdout);
  write_token(stdout, &token);
  puts("}");
  fflush(stdout);

  struct line line;
  if (!read_line(stdin, &line) || !line.has_guid || !line.has_identity_token) fail("no announcement of the peer", NULL);
  memcpy(&peer_guid, line.guid, 16);
  DDS_Security_IdentityHandle remote = 0;
  DDS_Security_DataHolder auth_request;
  memset(&auth_request, 0, sizeof auth_request);
  const DDS_Security_ValidationResult_t role = auth->validate_remote_identity(
    auth, &remote, &auth_request, line.has_auth_request ? &line.auth_request : NULL, local, &line.identity_token, &peer_guid, &ex);
  if (auth_request.class_id && *auth_request.class_id) say(&auth_request);

  const DDS_Security_OctetSeq pdata = participant_data(&guid);
  DDS_Security_HandshakeHandle handshake = 0;
  DDS_Security_DataHolder out;
  memset(&out, 0, sizeof out);
  int begun = 0;
  if (role == DDS_SECURITY_VALIDATION_PENDING_HANDSHAKE_REQUEST)
  {
    if (auth->begin_handshake_request(auth, &handshake, &out, local, remote, &pdata, &ex) != DDS_SECURITY_VALIDATION_PENDING_HANDSHAKE_MESSAGE)
      fail("begin_handshake_request", ex.message);
    say(&out);
    begun = 1;
  }
  else if (role != DDS_SECURITY_VALIDATION_PENDING_HANDSHAKE_MESSAGE) fail("validate_remote_identity", ex.message);

  while (read_line(stdin, &line))
  {
    if (!line.has_token) fail("a token is expected", NULL);
    memset(&out, 0, sizeof out);
    const DDS_Security_ValidationResult_t result =
      begun ? auth->process_handshake(auth, &out, &line.token, handshake, &ex)
            : auth->begin_handshake_reply(auth, &handshake, &out, &line.token, remote, local, &pdata, &ex);
    if (result == DDS_SECURITY_VALIDATION_FAILED)
    {
      refuse();
      continue;
    }
    begun = 1;
    if (out.class_id && *out.class_id) say(&out);
    if (result == DDS_SECURITY_VALIDATION_OK || result == DDS_SECURITY_VALIDATION_OK_FINAL_MESSAGE) return finish(handshake);
  }
  puts("{\"authenticated\":false}");
  return 1;
}
