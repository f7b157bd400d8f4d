package org.simplepush.examples.standalone;

import java.net.Socket;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.List;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;

/** Shows a server's certificate in handshakes; another can be put into its place at any time. */
final class TlsKeyManager extends X509ExtendedKeyManager {
  private record Generation(String alias, TlsPair pair) {}

  /** The newest first. One older is kept for handshakes that chose it just before a change. */
  private volatile List<Generation> generations;

  /** Counts the pairs, so that each has an alias of its own. Used by one thread. */
  private int count;

  TlsKeyManager(TlsPair pair) {
    this.generations = List.of(new Generation("generation-0", pair));
  }

  /** Shows another from the next handshake on. */
  void replace(TlsPair pair) {
    generations = List.of(new Generation("generation-" + ++count, pair), generations.get(0));
  }

  private @Nullable TlsPair byAlias(String alias) {
    for (Generation generation : generations) {
      if (generation.alias().equals(alias)) {
        return generation.pair();
      }
    }
    return null;
  }

  private @Nullable String choose(String... keyTypes) {
    Generation newest = generations.get(0);
    String algorithm = newest.pair().algorithm();
    for (String keyType : keyTypes) {
      // A type may name how the certificate was signed too: EC_RSA.
      if (keyType.equals(algorithm)
          || keyType.startsWith(algorithm + "_")
          || (keyType.equals("RSASSA-PSS") && algorithm.equals("RSA"))
          || (keyType.startsWith("Ed") && algorithm.equals("EdDSA"))) {
        return newest.alias();
      }
    }
    return null;
  }

  @Override
  public @Nullable String chooseEngineServerAlias(
      String keyType, Principal[] issuers, SSLEngine engine) {
    return choose(keyType);
  }

  @Override
  public @Nullable String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
    return choose(keyType);
  }

  @Override
  public String @Nullable [] getServerAliases(String keyType, Principal[] issuers) {
    String alias = choose(keyType);
    return alias == null ? null : new String[] {alias};
  }

  @Override
  public X509Certificate @Nullable [] getCertificateChain(String alias) {
    TlsPair pair = byAlias(alias);
    return pair == null ? null : pair.chain().toArray(X509Certificate[]::new);
  }

  @Override
  public @Nullable PrivateKey getPrivateKey(String alias) {
    TlsPair pair = byAlias(alias);
    return pair == null ? null : pair.key();
  }

  @Override
  public String @Nullable [] getClientAliases(String keyType, Principal[] issuers) {
    return null; // a server only
  }

  @Override
  public @Nullable String chooseClientAlias(String[] keyType, Principal[] issuers, Socket socket) {
    return null; // a server only
  }
}
