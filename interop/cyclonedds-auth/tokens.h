/* Tokens of DDS Security as lines of JSON, and back. A reader for trusted test input: it ends the program on errors. */
#ifndef TOKENS_H
#define TOKENS_H

#include <stdio.h>
#include "dds/security/dds_security_api_types.h"

/* What a line says: an announcement has a guid, a token has a class_id. */
struct line
{
  int has_guid;
  unsigned char guid[16];
  int has_token;
  DDS_Security_DataHolder token;
  int has_identity_token;
  DDS_Security_DataHolder identity_token;
  int has_auth_request;
  DDS_Security_DataHolder auth_request;
};

/* Reads one line of JSON; 0 at the end of the input. */
int read_line(FILE *in, struct line *line);

void write_token(FILE *out, const DDS_Security_DataHolder *token);
void write_hex(FILE *out, const unsigned char *octets, size_t length);

_Noreturn void fail(const char *what, const char *detail);

#endif
