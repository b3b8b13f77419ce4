#include "tokens.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static const char ALPHABET[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

_Noreturn void fail(const char *what, const char *detail)
{
  fprintf(stderr, "driver: %s%s%s\n", what, detail ? ": " : "", detail ? detail : "");
  exit(1);
}

/* Writing */

static void write_string(FILE *out, const char *text)
{
  putc('"', out);
  for (const unsigned char *c = (const unsigned char *)text; *c; c++)
  {
    if (*c < 0x20 || *c == '"' || *c == '\\') fprintf(out, "\\u%04x", *c);
    else putc(*c, out);
  }
  putc('"', out);
}

static void write_base64(FILE *out, const unsigned char *octets, size_t length)
{
  putc('"', out);
  for (size_t at = 0; at < length; at += 3)
  {
    const size_t left = length - at;
    const unsigned bits = (unsigned)octets[at] << 16 | (left > 1 ? octets[at + 1] << 8 : 0) | (left > 2 ? octets[at + 2] : 0);
    putc(ALPHABET[bits >> 18 & 63], out);
    putc(ALPHABET[bits >> 12 & 63], out);
    putc(left > 1 ? ALPHABET[bits >> 6 & 63] : '=', out);
    putc(left > 2 ? ALPHABET[bits & 63] : '=', out);
  }
  putc('"', out);
}

void write_hex(FILE *out, const unsigned char *octets, size_t length)
{
  putc('"', out);
  for (size_t i = 0; i < length; i++) fprintf(out, "%02x", octets[i]);
  putc('"', out);
}

void write_token(FILE *out, const DDS_Security_DataHolder *token)
{
  fputs("{\"class_id\":", out);
  write_string(out, token->class_id ? token->class_id : "");
  fputs(",\"properties\":[", out);
  for (unsigned i = 0; i < token->properties._length; i++)
  {
    fputs(i ? ",{\"name\":" : "{\"name\":", out);
    write_string(out, token->properties._buffer[i].name);
    fputs(",\"value\":", out);
    write_string(out, token->properties._buffer[i].value);
    putc('}', out);
  }
  fputs("],\"binary_properties\":[", out);
  for (unsigned i = 0; i < token->binary_properties._length; i++)
  {
    const DDS_Security_BinaryProperty_t *property = &token->binary_properties._buffer[i];
    fputs(i ? ",{\"name\":" : "{\"name\":", out);
    write_string(out, property->name);
    fputs(",\"value\":", out);
    write_base64(out, property->value._buffer, property->value._length);
    putc('}', out);
  }
  fputs("]}", out);
}

/* Reading: a line is walked once, from left to right. */

static void skip(const char **at)
{
  while (isspace((unsigned char)**at)) (*at)++;
}

static int take(const char **at, char c)
{
  skip(at);
  if (**at != c) return 0;
  (*at)++;
  return 1;
}

static void expect(const char **at, char c)
{
  if (!take(at, c)) fail("not the JSON expected, at", *at);
}

static char *read_string(const char **at)
{
  expect(at, '"');
  char *text = malloc(strlen(*at) + 1), *out = text;
  while (**at && **at != '"')
  {
    if (**at != '\\')
    {
      *out++ = *(*at)++;
      continue;
    }
    (*at)++;
    switch (**at)
    {
      case 'n': *out++ = '\n'; break;
      case 'r': *out++ = '\r'; break;
      case 't': *out++ = '\t'; break;
      case 'u':
      {
        unsigned code = 0;
        if (sscanf(*at + 1, "%4x", &code) != 1 || code > 0x7f) fail("an escape beyond ASCII, at", *at);
        *out++ = (char)code;
        *at += 4;
        break;
      }
      default: *out++ = **at;
    }
    (*at)++;
  }
  expect(at, '"');
  *out = 0;
  return text;
}

static void decode_base64(const char *text, DDS_Security_OctetSeq *seq)
{
  seq->_buffer = malloc(strlen(text) + 3);
  unsigned bits = 0, count = 0, length = 0;
  for (; *text && *text != '='; text++)
  {
    const char *digit = strchr(ALPHABET, *text);
    if (!digit) fail("not base64", text);
    bits = bits << 6 | (unsigned)(digit - ALPHABET);
    if (++count % 4 != 0) continue;
    seq->_buffer[length++] = (unsigned char)(bits >> 16);
    seq->_buffer[length++] = (unsigned char)(bits >> 8);
    seq->_buffer[length++] = (unsigned char)bits;
  }
  if (count % 4 == 2) seq->_buffer[length++] = (unsigned char)(bits >> 4);
  if (count % 4 == 3)
  {
    seq->_buffer[length++] = (unsigned char)(bits >> 10);
    seq->_buffer[length++] = (unsigned char)(bits >> 2);
  }
  seq->_length = seq->_maximum = length;
}

/* { "name": ..., "value": ... } */
static void read_pair(const char **at, char **name, char **value)
{
  expect(at, '{');
  do
  {
    char *key = read_string(at);
    expect(at, ':');
    *(strcmp(key, "name") == 0 ? name : value) = read_string(at);
    free(key);
  } while (take(at, ','));
  expect(at, '}');
}

#define MAX_PROPERTIES 64

static void read_token(const char **at, DDS_Security_DataHolder *token)
{
  memset(token, 0, sizeof *token);
  expect(at, '{');
  do
  {
    char *key = read_string(at);
    expect(at, ':');
    if (strcmp(key, "class_id") == 0)
    {
      token->class_id = read_string(at);
    }
    else
    {
      const int binary = strcmp(key, "binary_properties") == 0;
      unsigned count = 0;
      token->properties._buffer = token->properties._buffer ? token->properties._buffer : calloc(MAX_PROPERTIES, sizeof(DDS_Security_Property_t));
      token->binary_properties._buffer =
        token->binary_properties._buffer ? token->binary_properties._buffer : calloc(MAX_PROPERTIES, sizeof(DDS_Security_BinaryProperty_t));
      expect(at, '[');
      skip(at);
      while (**at == '{')
      {
        char *name = NULL, *value = NULL;
        if (count == MAX_PROPERTIES) fail("too many properties", NULL);
        read_pair(at, &name, &value);
        if (binary)
        {
          token->binary_properties._buffer[count].name = name;
          token->binary_properties._buffer[count].propagate = 1;
          decode_base64(value, &token->binary_properties._buffer[count].value);
          free(value);
        }
        else
        {
          token->properties._buffer[count].name = name;
          token->properties._buffer[count].value = value;
          token->properties._buffer[count].propagate = 1;
        }
        count++;
        take(at, ',');
        skip(at);
      }
      expect(at, ']');
      if (binary) token->binary_properties._length = token->binary_properties._maximum = count;
      else token->properties._length = token->properties._maximum = count;
    }
    free(key);
  } while (take(at, ','));
  expect(at, '}');
}

int read_line(FILE *in, struct line *line)
{
  char *text = NULL;
  size_t size = 0;
  memset(line, 0, sizeof *line);
  if (getline(&text, &size, in) < 0) return 0;
  const char *at = text;
  if (strstr(text, "\"class_id\"") && !strstr(text, "\"guid\""))
  {
    line->has_token = 1;
    read_token(&at, &line->token);
  }
  else
  {
    expect(&at, '{');
    do
    {
      char *key = read_string(&at);
      expect(&at, ':');
      if (strcmp(key, "guid") == 0)
      {
        char *hex = read_string(&at);
        if (strlen(hex) != 32) fail("a GUID has 16 octets", hex);
        for (int i = 0; i < 16; i++) sscanf(hex + 2 * i, "%2hhx", &line->guid[i]);
        line->has_guid = 1;
        free(hex);
      }
      else if (strcmp(key, "identity_token") == 0)
      {
        line->has_identity_token = 1;
        read_token(&at, &line->identity_token);
      }
      else if (strcmp(key, "auth_request") == 0)
      {
        line->has_auth_request = 1;
        read_token(&at, &line->auth_request);
      }
      else fail("an announcement has no", key);
      free(key);
    } while (take(&at, ','));
    expect(&at, '}');
  }
  free(text);
  return 1;
}
