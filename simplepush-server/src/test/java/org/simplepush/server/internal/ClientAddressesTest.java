package org.simplepush.server.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.InetAddress;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whose word counts, and who is one with whom. */
@Timeout(30)
class ClientAddressesTest {
  private static ClientAddresses trusting(String... networks) {
    return new ClientAddresses(List.of(networks).stream().map(Network::parse).toList(), false);
  }

  private static InetAddress ip(String text) {
    InetAddress address = Network.literal(text);
    assertThat(address).as(text).isNotNull();
    return address;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "192.0.2.9 | 198.51.100.1 | 192.0.2.9", // not trusted
        "10.0.0.1 | 198.51.100.1 | 198.51.100.1",
        "10.0.0.1 | 203.0.113.7, 198.51.100.1 | 198.51.100.1", // the left one may be invented
        "10.0.0.1 | 203.0.113.7,198.51.100.1,10.9.9.9 | 198.51.100.1", // a chain of proxies
        "10.0.0.1 | 10.0.0.2, 10.0.0.3 | 10.0.0.2", // a client within
        "10.0.0.1 | 198.51.100.1:4711 | 198.51.100.1",
        "10.0.0.1 | 2001:db8::7 | 2001:db8::7",
        "10.0.0.1 | [2001:db8::7]:4711 | 2001:db8::7",
        "10.0.0.1 | ::ffff:198.51.100.1 | 198.51.100.1",
        "10.0.0.1 | 198.51.100.1, unknown | 10.0.0.1", // nobody knows who: the proxy itself
        "10.0.0.1 | 198.51.100.1, | 10.0.0.1",
        "10.0.0.1 | evil.example.org | 10.0.0.1", // never looked up
        "10.0.0.1 | unknown, 10.0.0.2 | 10.0.0.2",
        "2001:db8:1::5 | 198.51.100.1 | 198.51.100.1",
      })
  void clientIsTheLastThatNoTrustedProxyHas(String peer, String header, String client) {
    ClientAddresses addresses = trusting("10.0.0.0/8", "2001:db8:1::/48");
    assertThat(addresses.client(ip(peer), List.of(header))).isEqualTo(ip(client));
  }

  @Test
  void severalHeadersAreOne() {
    assertThat(
            trusting("10.0.0.0/8")
                .client(ip("10.0.0.1"), List.of("203.0.113.7", "198.51.100.1, 10.0.0.2")))
        .isEqualTo(ip("198.51.100.1"));
  }

  @Test
  void withoutTheHeaderItIsThePeer() {
    assertThat(trusting("10.0.0.0/8").client(ip("10.0.0.1"), List.of())).isEqualTo(ip("10.0.0.1"));
  }

  @ParameterizedTest
  @CsvSource({
    "198.51.100.1, 198.51.100.1, true",
    "198.51.100.1, 198.51.100.2, false",
    "198.51.100.1, ::ffff:198.51.100.1, true",
    "2001:db8::1, 2001:db8::ffff:ffff:ffff:ffff, true",
    "2001:db8::1, 2001:db8:0:1::1, false",
    "2001:db8::1, 2001:db9::1, false",
    "0.0.0.1, 2001:db8::1, false",
  })
  void addressesOfOneCustomerAreOne(String one, String other, boolean same) {
    ClientAddresses addresses = trusting();
    assertThat(addresses.key(ip(one)) == addresses.key(ip(other))).isEqualTo(same);
    assertThat(addresses.key(ip(one))).isNotEqualTo(ClientAddresses.EXEMPT);
  }

  @Test
  void loopbackIsExemptUnlessItIsLimited() {
    for (String loopback : List.of("127.0.0.1", "127.9.9.9", "::1")) {
      assertThat(trusting().key(ip(loopback))).isEqualTo(ClientAddresses.EXEMPT);
      assertThat(new ClientAddresses(List.of(), true).key(ip(loopback)))
          .isNotEqualTo(ClientAddresses.EXEMPT);
    }
    ClientAddresses limited = new ClientAddresses(List.of(), true);
    assertThat(limited.key(ip("::1"))).isEqualTo(limited.key(ip("127.0.0.1")));
    assertThat(limited.key(ip("127.0.0.2"))).isNotEqualTo(limited.key(ip("127.0.0.1")));
  }
}
