/* Cyclone DDS's own access control plugin, asked from outside.
 *
 *   driver PLUGIN DOMAIN IDENTITY_CA CERTIFICATE PERMISSIONS_CA GOVERNANCE PERMISSIONS
 *
 * PLUGIN is libdds_security_ac.so; the others are a number and URIs as Cyclone DDS reads them (file:PATH). Prints
 * "ok", or "refused CODE MESSAGE" and ends. Then answers one question a line, its words parted by tabs:
 *
 *   join | topic TOPIC | publish TOPIC [PARTITION]... | subscribe TOPIC [PARTITION]...    "yes", or "no CODE MESSAGE"
 *   attributes            "ALLOW_UNAUTHENTICATED ACCESS RTPS DISCOVERY LIVELINESS PLUGIN"
 *   rate COUNT TOPIC      decisions on publishing a second
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "dds/dds.h"
#include "dds/security/dds_security_api.h"

#define MAX_WORDS 64

static dds_security_access_control *plugin;
static DDS_Security_PermissionsHandle rights;
static DDS_Security_DomainId domain;
static DDS_Security_SecurityException ex;
static DDS_Security_Qos no_qos;
static DDS_Security_DataTags no_tags;

static void fail(const char *what, const char *detail)
{
  fprintf(stderr, "driver: %s: %s\n", what, detail ? detail : "");
  exit(2);
}

/* One line, whatever the message holds. */
static void say_why(const char *word)
{
  printf("%s %d ", word, (int)ex.code);
  for (const char *c = ex.message ? ex.message : ""; *c; c++) putchar(*c == '\n' ? ' ' : *c);
  putchar('\n');
}

static void forget(void)
{
  free(ex.message);
  memset(&ex, 0, sizeof ex);
}

static void open_plugin(const char *path)
{
  void *library = dlopen(path, RTLD_NOW);
  if (!library) fail("the plugin cannot be loaded", dlerror());
  int (*init)(const char *, void **, void *) = (int (*)(const char *, void **, void *))dlsym(library, "init_access_control");
  /* The plugin keeps the domain that it is given and looks at nothing in it here. */
  void *context = NULL, *globals = calloc(1, 1 << 20);
  if (!init || init("", &context, globals) != 0) fail("the plugin does not start", path);
  plugin = context;
}

static void open_rights(char **uris)
{
  static char *names[] = {
    "dds.sec.auth.identity_ca", "dds.sec.auth.identity_certificate", "dds.sec.access.permissions_ca",
    "dds.sec.access.governance", "dds.sec.access.permissions"
  };
  DDS_Security_Property_t properties[5];
  DDS_Security_Qos qos;
  memset(properties, 0, sizeof properties);
  memset(&qos, 0, sizeof qos);
  for (int i = 0; i < 5; i++) { properties[i].name = names[i]; properties[i].value = uris[i]; }
  qos.property.value._length = qos.property.value._maximum = 5;
  qos.property.value._buffer = properties;
  rights = plugin->validate_local_permissions(plugin, (dds_security_authentication *)plugin, 1, domain, &qos, &ex);
  if (rights == DDS_SECURITY_HANDLE_NIL) { say_why("refused"); exit(0); }
  puts("ok");
}

static int ask(const char *kind, const char *topic, char **partitions, unsigned count)
{
  DDS_Security_PartitionQosPolicy partition;
  memset(&partition, 0, sizeof partition);
  partition.name._length = partition.name._maximum = count;
  partition.name._buffer = partitions;
  if (!strcmp(kind, "join")) return plugin->check_create_participant(plugin, rights, domain, &no_qos, &ex);
  if (!strcmp(kind, "topic")) return plugin->check_create_topic(plugin, rights, domain, topic, &no_qos, &ex);
  if (!strcmp(kind, "publish"))
    return plugin->check_create_datawriter(plugin, rights, domain, topic, &no_qos, &partition, &no_tags, &ex);
  return plugin->check_create_datareader(plugin, rights, domain, topic, &no_qos, &partition, &no_tags, &ex);
}

static void say_attributes(void)
{
  DDS_Security_ParticipantSecurityAttributes a;
  memset(&a, 0, sizeof a);
  if (!plugin->get_participant_sec_attributes(plugin, rights, &a, &ex)) { say_why("no"); forget(); return; }
  printf("%d %d %d %d %d %u\n", a.allow_unauthenticated_participants, a.is_access_protected, a.is_rtps_protected,
    a.is_discovery_protected, a.is_liveliness_protected, a.plugin_participant_attributes);
}

static void say_rate(long count, const char *topic)
{
  struct timespec start, end;
  clock_gettime(CLOCK_MONOTONIC, &start);
  for (long i = 0; i < count; i++)
  {
    (void)ask("publish", topic, NULL, 0);
    if (ex.message) forget();
  }
  clock_gettime(CLOCK_MONOTONIC, &end);
  const double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
  printf("%.0f\n", (double)count / seconds);
}

int main(int argc, char **argv)
{
  if (argc != 8) fail("usage", "driver PLUGIN DOMAIN IDENTITY_CA CERTIFICATE PERMISSIONS_CA GOVERNANCE PERMISSIONS");
  domain = (DDS_Security_DomainId)atoi(argv[2]);
  open_plugin(argv[1]);
  open_rights(argv + 3);
  fflush(stdout);
  static char line[1 << 16];
  while (fgets(line, sizeof line, stdin))
  {
    char *words[MAX_WORDS], *rest = line;
    unsigned count = 0;
    line[strcspn(line, "\n")] = 0;
    while (rest && count < MAX_WORDS) words[count++] = strsep(&rest, "\t");
    if (!strcmp(words[0], "attributes")) say_attributes();
    else if (!strcmp(words[0], "rate") && count == 3) say_rate(atol(words[1]), words[2]);
    else
    {
      if (ask(words[0], count > 1 ? words[1] : "", words + 2, count > 2 ? count - 2 : 0)) puts("yes");
      else say_why("no");
      forget();
    }
    fflush(stdout);
  }
  return 0;
}
