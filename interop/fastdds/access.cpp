/* Fast DDS's own access control plugin, asked from outside.
 *
 *   access DOMAIN IDENTITY_CA CERTIFICATE KEY PERMISSIONS_CA GOVERNANCE PERMISSIONS
 *
 * A number, and URIs as Fast DDS reads them (file://PATH). Prints "ok", or "refused MESSAGE" and ends. Then answers one
 * question a line, its words parted by tabs, as a participant asks on creating what the question names:
 *
 *   join | publish TOPIC [PARTITION]... | subscribe TOPIC [PARTITION]...        "yes", or "no MESSAGE"
 */
#include <iostream>
#include <sstream>
#include <vector>
#include <fastdds/dds/log/Log.hpp>
#include "plugins.hpp"

namespace {

/* One line, whatever the message holds. */
std::string line_of(const char *word, const security::SecurityException &ex)
{
  std::string text = std::string(word) + " " + ex.what();
  for (char &c : text) c = c == '\n' ? ' ' : c;
  return text;
}

bool ask(Plugins &plugins, uint32_t domain, const std::vector<std::string> &words)
{
  const auto &handle = *plugins.permissions;
  if (words[0] == "join") return plugins.access->check_create_participant(handle, domain, plugins.attributes, plugins.ex);
  const std::vector<std::string> partitions(words.begin() + 2, words.end());
  return words[0] == "publish" ? plugins.access->check_create_datawriter(handle, domain, words[1], partitions, plugins.ex)
                               : plugins.access->check_create_datareader(handle, domain, words[1], partitions, plugins.ex);
}

} // namespace

int main(int argc, char **argv)
{
  if (argc != 8)
  {
    std::cerr << "usage: access DOMAIN IDENTITY_CA CERTIFICATE KEY PERMISSIONS_CA GOVERNANCE PERMISSIONS\n";
    return 2;
  }
  /* It logs to stdout of its own. */
  eprosima::fastdds::dds::Log::ClearConsumers();
  const uint32_t domain = uint32_t(atoi(argv[1]));
  Plugins plugins(argv + 2);
  if (!plugins.validate_identity(domain, rtps::GUID_t()) || !plugins.validate_permissions(domain))
  {
    std::cout << line_of("refused", plugins.ex) << std::endl;
    return 0;
  }
  std::cout << "ok" << std::endl;
  for (std::string line; std::getline(std::cin, line);)
  {
    std::vector<std::string> words;
    std::istringstream rest(line + "\t");
    for (std::string word; std::getline(rest, word, '\t');) words.push_back(word);
    plugins.ex = security::SecurityException();
    std::cout << (ask(plugins, domain, words) ? "yes" : line_of("no", plugins.ex)) << std::endl;
  }
  /* The plugins end with the process: what they handed out is theirs to free, and nothing is left to do. */
  std::cout.flush();
  _Exit(0);
}
