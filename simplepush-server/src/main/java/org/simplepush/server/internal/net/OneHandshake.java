package org.simplepush.server.internal.net;

import java.nio.ByteBuffer;
import java.security.KeyManagementException;
import java.security.SecureRandom;
import java.util.List;
import java.util.function.BiFunction;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLContextSpi;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLEngineResult;
import javax.net.ssl.SSLEngineResult.HandshakeStatus;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocketFactory;
import javax.net.ssl.SSLSession;
import javax.net.ssl.SSLSessionContext;
import javax.net.ssl.SSLSocketFactory;
import javax.net.ssl.TrustManager;
import org.jspecify.annotations.Nullable;

/**
 * Sees to it that a client of TLS 1.2 has one handshake a connection. Each costs the server a
 * private key operation, and a client may ask for one after the other. The JDK has only a system
 * property against that, read once, perhaps before we are there. In TLS 1.3 there is no such thing.
 */
final class OneHandshake {
  private OneHandshake() {}

  /**
   * Looks at a result of reading or writing, and returns whether the handshake is done.
   *
   * @param done what this returned last for the connection; false at first
   * @throws SSLException if the client has begun another handshake
   */
  static boolean check(boolean done, SSLEngine engine, SSLEngineResult result) throws SSLException {
    HandshakeStatus status = result.getHandshakeStatus();
    // Only a handshake has tasks; what TLS 1.3 sends after its own does without.
    if (done && status == HandshakeStatus.NEED_TASK) {
      throw new SSLException("The client asked for another handshake, which is refused");
    }
    return done
        || status == HandshakeStatus.FINISHED
        || (result.bytesConsumed() > 0
            && engine.getHandshakeStatus() == HandshakeStatus.NOT_HANDSHAKING);
  }

  /** Returns the same context, except that its engines refuse another handshake. */
  static SSLContext context(SSLContext real) {
    return new Context(real);
  }

  private static final class Context extends SSLContext {
    Context(SSLContext real) {
      super(new Spi(real), real.getProvider(), real.getProtocol());
    }
  }

  private static final class Spi extends SSLContextSpi {
    private final SSLContext real;

    Spi(SSLContext real) {
      this.real = real;
    }

    @Override
    protected void engineInit(
        KeyManager @Nullable [] keys, TrustManager @Nullable [] trusted, @Nullable SecureRandom r)
        throws KeyManagementException {
      throw new KeyManagementException("This context is initialised already");
    }

    @Override
    protected SSLEngine engineCreateSSLEngine() {
      return new Engine(real.createSSLEngine());
    }

    @Override
    protected SSLEngine engineCreateSSLEngine(String host, int port) {
      return new Engine(real.createSSLEngine(host, port));
    }

    @Override
    protected SSLSocketFactory engineGetSocketFactory() {
      return real.getSocketFactory();
    }

    @Override
    protected SSLServerSocketFactory engineGetServerSocketFactory() {
      return real.getServerSocketFactory();
    }

    @Override
    protected SSLSessionContext engineGetServerSessionContext() {
      return real.getServerSessionContext();
    }

    @Override
    protected SSLSessionContext engineGetClientSessionContext() {
      return real.getClientSessionContext();
    }

    @Override
    protected SSLParameters engineGetDefaultSSLParameters() {
      return real.getDefaultSSLParameters();
    }

    @Override
    protected SSLParameters engineGetSupportedSSLParameters() {
      return real.getSupportedSSLParameters();
    }
  }

  /** Does what the real engine does, and looks at what it read. */
  private static final class Engine extends SSLEngine {
    private final SSLEngine real;
    private volatile boolean done;

    Engine(SSLEngine real) {
      this.real = real;
    }

    @Override
    public SSLEngineResult unwrap(ByteBuffer from, ByteBuffer[] into, int offset, int length)
        throws SSLException {
      SSLEngineResult result = real.unwrap(from, into, offset, length);
      done = check(done, real, result);
      return result;
    }

    @Override
    public SSLEngineResult wrap(ByteBuffer[] from, int offset, int length, ByteBuffer into)
        throws SSLException {
      SSLEngineResult result = real.wrap(from, offset, length, into);
      done = check(done, real, result);
      return result;
    }

    @Override
    public String getPeerHost() {
      return real.getPeerHost();
    }

    @Override
    public int getPeerPort() {
      return real.getPeerPort();
    }

    @Override
    public @Nullable Runnable getDelegatedTask() {
      return real.getDelegatedTask();
    }

    @Override
    public void closeInbound() throws SSLException {
      real.closeInbound();
    }

    @Override
    public boolean isInboundDone() {
      return real.isInboundDone();
    }

    @Override
    public void closeOutbound() {
      real.closeOutbound();
    }

    @Override
    public boolean isOutboundDone() {
      return real.isOutboundDone();
    }

    @Override
    public String[] getSupportedCipherSuites() {
      return real.getSupportedCipherSuites();
    }

    @Override
    public String[] getEnabledCipherSuites() {
      return real.getEnabledCipherSuites();
    }

    @Override
    public void setEnabledCipherSuites(String[] suites) {
      real.setEnabledCipherSuites(suites);
    }

    @Override
    public String[] getSupportedProtocols() {
      return real.getSupportedProtocols();
    }

    @Override
    public String[] getEnabledProtocols() {
      return real.getEnabledProtocols();
    }

    @Override
    public void setEnabledProtocols(String[] protocols) {
      real.setEnabledProtocols(protocols);
    }

    @Override
    public SSLSession getSession() {
      return real.getSession();
    }

    @Override
    public @Nullable SSLSession getHandshakeSession() {
      return real.getHandshakeSession();
    }

    @Override
    public void beginHandshake() throws SSLException {
      real.beginHandshake();
    }

    @Override
    public HandshakeStatus getHandshakeStatus() {
      return real.getHandshakeStatus();
    }

    @Override
    public void setUseClientMode(boolean mode) {
      real.setUseClientMode(mode);
    }

    @Override
    public boolean getUseClientMode() {
      return real.getUseClientMode();
    }

    @Override
    public void setNeedClientAuth(boolean need) {
      real.setNeedClientAuth(need);
    }

    @Override
    public boolean getNeedClientAuth() {
      return real.getNeedClientAuth();
    }

    @Override
    public void setWantClientAuth(boolean want) {
      real.setWantClientAuth(want);
    }

    @Override
    public boolean getWantClientAuth() {
      return real.getWantClientAuth();
    }

    @Override
    public void setEnableSessionCreation(boolean enable) {
      real.setEnableSessionCreation(enable);
    }

    @Override
    public boolean getEnableSessionCreation() {
      return real.getEnableSessionCreation();
    }

    @Override
    public SSLParameters getSSLParameters() {
      return real.getSSLParameters();
    }

    @Override
    public void setSSLParameters(SSLParameters parameters) {
      real.setSSLParameters(parameters);
    }

    @Override
    public @Nullable String getApplicationProtocol() {
      return real.getApplicationProtocol();
    }

    @Override
    public @Nullable String getHandshakeApplicationProtocol() {
      return real.getHandshakeApplicationProtocol();
    }

    @Override
    public void setHandshakeApplicationProtocolSelector(
        BiFunction<SSLEngine, List<String>, String> selector) {
      real.setHandshakeApplicationProtocolSelector(selector);
    }

    @Override
    public BiFunction<SSLEngine, List<String>, String> getHandshakeApplicationProtocolSelector() {
      return real.getHandshakeApplicationProtocolSelector();
    }
  }
}
