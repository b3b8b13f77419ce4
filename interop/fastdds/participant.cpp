/* A participant of Fast DDS with one writer or reader: what happens to it is told as one JSON object a line.
 *
 *   participant PROFILE DOMAIN pub|sub TOPIC SECONDS [PARTITION]...
 *
 * PROFILE is an XML file with a participant profile named "participant", which sets the security properties. Speaks UDP
 * on loopback alone. A reader ends well once it has ten samples, a writer once its reader came and went; both end
 * at the latest after so many seconds. Lines: {"participant":BOOL}, {"topic":BOOL}, {"endpoint":BOOL}, {"matched":true},
 * {"samples":NUMBER}. What Fast DDS logs goes to stderr.
 */
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <fastdds/dds/domain/DomainParticipant.hpp>
#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/log/Log.hpp>
#include <fastdds/dds/log/StdoutErrConsumer.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/publisher/DataWriterListener.hpp>
#include <fastdds/dds/publisher/Publisher.hpp>
#include <fastdds/dds/subscriber/DataReader.hpp>
#include <fastdds/dds/subscriber/DataReaderListener.hpp>
#include <fastdds/dds/subscriber/SampleInfo.hpp>
#include <fastdds/dds/subscriber/Subscriber.hpp>
#include <fastdds/dds/topic/Topic.hpp>
#include <fastdds/dds/topic/TopicDataType.hpp>
#include <fastdds/rtps/transport/UDPv4TransportDescriptor.h>
#include <fastrtps/utils/IPLocator.h>

using namespace eprosima::fastdds::dds;
using eprosima::fastdds::rtps::UDPv4TransportDescriptor;
namespace rtps = eprosima::fastrtps::rtps;

namespace {

constexpr int ENOUGH = 10;

/* One number without a key, in the octet order of this machine: a type that needs no generator. */
class NumberType : public TopicDataType
{
public:
  NumberType()
  {
    setName("Number");
    m_typeSize = 4 + sizeof(uint32_t);
    m_isGetKeyDefined = false;
  }

  bool serialize(void *data, rtps::SerializedPayload_t *payload) override
  {
    const unsigned char header[4] = { 0, 1, 0, 0 };
    payload->encapsulation = CDR_LE;
    memcpy(payload->data, header, 4);
    memcpy(payload->data + 4, data, sizeof(uint32_t));
    payload->length = m_typeSize;
    return true;
  }

  bool deserialize(rtps::SerializedPayload_t *payload, void *data) override
  {
    if (payload->length < m_typeSize) return false;
    memcpy(data, payload->data + 4, sizeof(uint32_t));
    return true;
  }

  std::function<uint32_t()> getSerializedSizeProvider(void *) override
  {
    return [this] { return m_typeSize; };
  }

  void *createData() override { return new uint32_t(0); }
  void deleteData(void *data) override { delete static_cast<uint32_t *>(data); }
  bool getKey(void *, rtps::InstanceHandle_t *, bool) override { return false; }
};

struct Counts : DataWriterListener, DataReaderListener
{
  std::atomic<int> peers{0}, samples{0};
  std::atomic<bool> met{false};

  void matched(int now)
  {
    peers = now;
    if (now > 0 && !met.exchange(true)) puts("{\"matched\":true}");
  }
  void on_publication_matched(DataWriter *, const PublicationMatchedStatus &status) override { matched(status.current_count); }
  void on_subscription_matched(DataReader *, const SubscriptionMatchedStatus &status) override { matched(status.current_count); }
  void on_data_available(DataReader *reader) override
  {
    uint32_t number;
    SampleInfo info;
    while (reader->take_next_sample(&number, &info) == ReturnCode_t::RETCODE_OK)
      if (info.valid_data) samples++;
  }
};

bool told(const char *what, bool good)
{
  printf("{\"%s\":%s}\n", what, good ? "true" : "false");
  return good;
}

DomainParticipant *join(const char *profile, uint32_t domain)
{
  DomainParticipantFactory *factory = DomainParticipantFactory::get_instance();
  DomainParticipantQos qos;
  if (factory->load_XML_profiles_file(profile) != ReturnCode_t::RETCODE_OK ||
      factory->get_participant_qos_from_profile("participant", qos) != ReturnCode_t::RETCODE_OK) return nullptr;
  auto transport = std::make_shared<UDPv4TransportDescriptor>();
  transport->interfaceWhiteList.push_back("127.0.0.1");
  qos.transport().use_builtin_transports = false;
  qos.transport().user_transports.push_back(transport);
  rtps::Locator_t peer;
  rtps::IPLocator::setIPv4(peer, "127.0.0.1");
  qos.wire_protocol().builtin.initialPeersList.push_back(peer);
  return factory->create_participant(domain, qos);
}

PartitionQosPolicy partitions(char **names)
{
  PartitionQosPolicy policy;
  for (; *names; names++) policy.push_back(*names);
  return policy;
}

int run(char **argv, DomainParticipant *participant, Counts &counts)
{
  TypeSupport type(new NumberType);
  type.register_type(participant);
  Topic *topic = participant->create_topic(argv[4], "Number", TOPIC_QOS_DEFAULT);
  if (!told("topic", topic != nullptr)) return 1;
  const bool writes = strcmp(argv[3], "pub") == 0;
  DataWriter *writer = nullptr;
  DataReader *reader = nullptr;
  if (writes)
  {
    PublisherQos qos;
    qos.partition() = partitions(argv + 6);
    Publisher *publisher = participant->create_publisher(qos);
    writer = publisher ? publisher->create_datawriter(topic, DATAWRITER_QOS_DEFAULT, &counts) : nullptr;
  }
  else
  {
    SubscriberQos qos;
    qos.partition() = partitions(argv + 6);
    Subscriber *subscriber = participant->create_subscriber(qos);
    DataReaderQos reliable;
    reliable.reliability().kind = RELIABLE_RELIABILITY_QOS;
    reader = subscriber ? subscriber->create_datareader(topic, reliable, &counts) : nullptr;
  }
  if (!told("endpoint", writer != nullptr || reader != nullptr)) return 1;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(int(atof(argv[5]) * 1000));
  for (uint32_t number = 0; std::chrono::steady_clock::now() < end; number++)
  {
    if (writer && counts.peers > 0) writer->write(&number);
    if (writer && counts.met && counts.peers == 0) break;
    if (counts.samples >= ENOUGH) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  printf("{\"samples\":%d}\n", counts.samples.load());
  return 0;
}

} // namespace

int main(int argc, char **argv)
{
  if (argc < 6)
  {
    fputs("usage: participant PROFILE DOMAIN pub|sub TOPIC SECONDS [PARTITION]...\n", stderr);
    return 2;
  }
  setvbuf(stdout, nullptr, _IOLBF, 0);
  Log::ClearConsumers();
  auto consumer = std::make_unique<StdoutErrConsumer>();
  consumer->stderr_threshold(Log::Kind::Info);
  Log::RegisterConsumer(std::move(consumer));
  Counts counts;
  DomainParticipant *participant = join(argv[1], uint32_t(atoi(argv[2])));
  const int status = told("participant", participant != nullptr) ? run(argv, participant, counts) : 1;
  if (participant)
  {
    participant->delete_contained_entities();
    DomainParticipantFactory::get_instance()->delete_participant(participant);
  }
  Log::Flush();
  return status;
}
