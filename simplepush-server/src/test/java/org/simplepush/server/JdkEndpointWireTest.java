package org.simplepush.server;

/** The endpoint on the HTTP server of the JDK, which is the default. */
class JdkEndpointWireTest extends EndpointWireTest {
  @Override
  PushServer.Builder server() {
    return TestServers.server();
  }
}
