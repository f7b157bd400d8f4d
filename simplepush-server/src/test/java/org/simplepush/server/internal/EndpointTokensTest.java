package org.simplepush.server.internal;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.simplepush.core.ChannelId;
import org.simplepush.core.Uaid;
import org.simplepush.server.EndpointKeys;

/** Protocol §8: what a token is. */
@Timeout(20)
class EndpointTokensTest {
  private static final Uaid USER = Uaid.parse("f6a1d7c1-8b1c-4c55-9f3c-3f0d1c0d9a01");
  private static final ChannelId CHANNEL = ChannelId.parse("d9b74644-4f97-46aa-b8fa-9393985cd6cd");

  private final EndpointTokens tokens = new EndpointTokens(List.of(EndpointTokens.randomKey()));

  private static byte[] key(int seed) {
    byte[] key = new byte[EndpointKeys.KEY_LENGTH];
    for (int i = 0; i < key.length; i++) {
      key[i] = (byte) (seed * 31 + i);
    }
    return key;
  }

  private static EndpointTokens with(byte[]... keys) {
    return new EndpointTokens(List.of(keys));
  }

  @Test
  void tokenNamesItsChannel() {
    EndpointTokens.Channel opened = tokens.open(tokens.seal(USER, CHANNEL));
    assertThat(opened).isEqualTo(new EndpointTokens.Channel(USER, CHANNEL));
  }

  @Test
  void tokenIsDeterministicAndIgnoresSpelling() {
    Uaid spelled = Uaid.parse(USER.text().replace("-", "").toUpperCase(Locale.ROOT));
    assertThat(tokens.seal(spelled, CHANNEL)).isEqualTo(tokens.seal(USER, CHANNEL));
    assertThat(with(key(1)).seal(USER, CHANNEL)).isEqualTo(with(key(1)).seal(USER, CHANNEL));
  }

  @Test
  void tokenIsUrlSafeAndOfOneLength() {
    for (int i = 0; i < 500; i++) {
      assertThat(tokens.seal(Uaid.random(), ChannelId.random())).matches("[A-Za-z0-9_-]{64}");
    }
  }

  @Test
  void endpointsOfOneDeviceShareNothingVisible() {
    byte[] one = Base64.getUrlDecoder().decode(tokens.seal(USER, CHANNEL));
    int[] equal = new int[one.length];
    int others = 2000;
    for (int i = 0; i < others; i++) {
      byte[] other = Base64.getUrlDecoder().decode(tokens.seal(USER, ChannelId.random()));
      for (int j = 0; j < one.length; j++) {
        equal[j] += one[j] == other[j] ? 1 : 0;
      }
    }
    for (int count : equal) {
      assertThat(count).isLessThan(others / 20); // by chance: one in 256
    }
  }

  @Test
  void tokenShowsNothingOfTheIds() {
    byte[] sealed = Base64.getUrlDecoder().decode(tokens.seal(USER, CHANNEL));
    String hex = java.util.HexFormat.of().formatHex(sealed);
    String uaid = USER.text().replace("-", "");
    for (int i = 0; i + 8 <= uaid.length(); i++) {
      assertThat(hex).doesNotContain(uaid.substring(i, i + 8));
    }
  }

  @Test
  void anyBitTamperedWithMakesItUnknown() {
    byte[] sealed = Base64.getUrlDecoder().decode(tokens.seal(USER, CHANNEL));
    for (int bit = 0; bit < sealed.length * 8; bit++) {
      byte[] tampered = sealed.clone();
      tampered[bit / 8] ^= (byte) (1 << bit % 8);
      String token = Base64.getUrlEncoder().withoutPadding().encodeToString(tampered);
      assertThat(tokens.open(token)).isNull();
    }
  }

  @Test
  void everyCharacterCounts() {
    String token = tokens.seal(USER, CHANNEL);
    for (int i = 0; i < token.length(); i++) {
      char other = token.charAt(i) == 'A' ? 'B' : 'A';
      assertThat(tokens.open(token.substring(0, i) + other + token.substring(i + 1))).isNull();
    }
  }

  @Test
  void partsOfTwoTokensMakeNoThird() {
    String one = tokens.seal(USER, CHANNEL);
    String other = tokens.seal(USER, ChannelId.random());
    for (int i = 1; i < one.length(); i++) {
      String spliced = one.substring(0, i) + other.substring(i);
      if (!spliced.equals(one) && !spliced.equals(other)) {
        assertThat(tokens.open(spliced)).isNull();
      }
    }
  }

  @Test
  void tokenOfAnotherServerIsUnknown() {
    EndpointTokens other = new EndpointTokens(List.of(EndpointTokens.randomKey()));
    assertThat(tokens.open(other.seal(USER, CHANNEL))).isNull();
  }

  @Test
  void firstKeyIssuesAndAllVerify() {
    String old = with(key(1)).seal(USER, CHANNEL);
    EndpointTokens rotated = with(key(2), key(1));
    String fresh = rotated.seal(USER, CHANNEL);
    assertThat(fresh).isNotEqualTo(old).isEqualTo(with(key(2)).seal(USER, CHANNEL));
    assertThat(rotated.open(old)).isEqualTo(rotated.open(fresh)).isNotNull();
    assertThat(with(key(3), key(2), key(1)).open(old)).isNotNull();
    assertThat(with(key(2)).open(old)).isNull();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "A",
        "AAAA",
        "================================================================",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "++++++++++++++++////////////////++++++++++++++++////////////////",
        "ääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääääää"
      })
  void whatWasNeverIssuedIsUnknown(String token) {
    assertThat(tokens.open(token)).isNull();
  }

  @Test
  void tokenWithSomethingAroundItIsUnknown() {
    String token = tokens.seal(USER, CHANNEL);
    for (String other :
        List.of(token + "A", token + "=", token + "/", " " + token, token.substring(1))) {
      assertThat(tokens.open(other)).isNull();
    }
  }

  @Test
  void manyThreadsSealAndOpenTheSame() throws Exception {
    String expected = tokens.seal(USER, CHANNEL);
    ExecutorService threads = Executors.newFixedThreadPool(4);
    try {
      List<CompletableFuture<Set<String>>> all = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        all.add(
            CompletableFuture.supplyAsync(
                () -> {
                  Set<String> seen = new HashSet<>();
                  for (int j = 0; j < 500; j++) {
                    String token = tokens.seal(USER, CHANNEL);
                    assertThat(tokens.open(token)).isNotNull();
                    seen.add(token);
                  }
                  return seen;
                },
                threads));
      }
      for (CompletableFuture<Set<String>> each : all) {
        assertThat(each.get(15, TimeUnit.SECONDS)).containsExactly(expected);
      }
    } finally {
      threads.shutdownNow();
    }
  }
}
